//! Numbers and times as people read them.

use bytesize::ByteSize;
use jiff::Timestamp;

use crate::usage::{Estimate, Usage};

/// A size such as `815.2 MiB`.
pub fn size(bytes: ByteSize) -> String {
    bytes.display().iec().to_string()
}

/// One size, or two with a dash between them.
pub fn estimate(estimate: Estimate) -> String {
    match estimate.is_exact() {
        true => size(estimate.certain),
        false => format!("{} – {}", size(estimate.certain), size(estimate.at_most)),
    }
}

/// A size that is a part of `usage`, and says so if that is a lower bound.
pub fn at_least(usage: &Usage, bytes: ByteSize) -> String {
    let incomplete = if usage.is_complete() { "" } else { "at least " };
    format!("{incomplete}{}", size(bytes))
}

/// A number such as `38,437`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `2 images`.
pub fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number as u64))
}

/// How long before `now` something was: `2 hours ago`.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    const UNITS: [(i64, &str); 5] = [
        (365 * 86_400, "year"),
        (30 * 86_400, "month"),
        (7 * 86_400, "week"),
        (86_400, "day"),
        (3_600, "hour"),
    ];
    let seconds = now.duration_since(then).as_secs();
    if seconds < -60 {
        return "in the future".to_owned();
    }
    // Two of a unit at least, except for the small ones: "13 days ago" says more than "1 week ago".
    let unit = UNITS
        .iter()
        .find(|(length, _)| seconds >= if *length > 86_400 { 2 * length } else { *length });
    match unit {
        Some((length, noun)) => format!("{} ago", plural((seconds / length) as usize, noun)),
        None if seconds >= 60 => format!("{} min ago", seconds / 60),
        None => "just now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit_that_says_enough() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        for (seconds, text) in [
            (-3600, "in the future"),
            (-5, "just now"),
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (13 * 86_400, "13 days ago"),
            (14 * 86_400, "2 weeks ago"),
            (59 * 86_400, "8 weeks ago"),
            (60 * 86_400, "2 months ago"),
            (729 * 86_400, "24 months ago"),
            (730 * 86_400, "2 years ago"),
        ] {
            let then = now - jiff::SignedDuration::from_secs(seconds);
            assert_eq!(ago(now, then), text, "{seconds}");
        }
        assert_eq!(ago(Timestamp::MIN, Timestamp::MAX), "in the future");
        assert_eq!(ago(Timestamp::MAX, Timestamp::MIN), "20,012 years ago");
    }

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(count(number), text);
        }
        assert_eq!(size(ByteSize::b(854_800_000)), "815.2 MiB");
        assert_eq!(size(ByteSize::b(0)), "0 B");
        let [one, two] = [12, 690].map(ByteSize::mib);
        assert_eq!(estimate(Estimate { certain: one, at_most: two }), "12.0 MiB – 690.0 MiB");
        assert_eq!(estimate(Estimate::exactly(one)), "12.0 MiB");
        assert_eq!([plural(1, "image"), plural(2, "image")], ["1 image", "2 images"]);
    }
}
