//! Numbers and times in readable form.

use bytesize::ByteSize;
use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};

use crate::usage::{Estimate, Size};

/// Formats an exact number of bytes, such as `815.2 MiB`.
pub fn bytes(bytes: ByteSize) -> String {
    let text = bytes.display().iec().to_string();
    if text.starts_with("1024.0 ") {
        // Rounded up to the next unit.
        ByteSize::b(bytes.as_u64().next_power_of_two()).display().iec().to_string()
    } else {
        text
    }
}

/// Formats a size: `815.2 MiB`, or `at least 815.2 MiB` if something was unreadable.
pub fn size(size: Size) -> String {
    format!("{}{}", at_least(size.is_complete()), bytes(size.at_least()))
}

/// Formats an estimate: one size, a range, or only the upper bound if nothing is certain.
pub fn estimate(estimate: Estimate) -> String {
    let at_least = at_least(estimate.is_complete());
    let [certain, at_most] = [estimate.certain(), estimate.at_most().at_least()];
    match (estimate.is_one_figure(), certain.as_u64()) {
        (true, _) => format!("{at_least}{}", bytes(certain)),
        (false, 0) => up_to(estimate.at_most()),
        (false, _) => format!("{at_least}{} – {}", bytes(certain), bytes(at_most)),
    }
}

/// Like [`estimate`], for a narrow column: `12.0–690.0 MiB`.
pub fn narrow_estimate(estimate: Estimate) -> String {
    let text = self::estimate(estimate);
    match text.split_once(" – ") {
        Some((certain, at_most)) => {
            let unit = at_most.split_once(' ').map_or("", |(_, unit)| unit);
            let certain = certain.strip_suffix(unit).unwrap_or(certain).trim_end();
            format!("{certain}–{at_most}")
        }
        None => text,
    }
}

/// Formats a size that is an upper bound: `up to 815.2 MiB`, or `0 B`.
pub fn up_to(size: Size) -> String {
    match (size.at_least(), size.is_complete()) {
        (ByteSize(0), true) => self::size(size),
        (most, true) => format!("up to {}", bytes(most)),
        (most, false) => format!("up to {} or more", bytes(most)),
    }
}

/// Formats a number of files or directories: `38,437`, or `at least 38,437`.
pub fn number(number: u64, is_complete: bool) -> String {
    format!("{}{}", at_least(is_complete), HumanCount(number))
}

fn at_least(is_complete: bool) -> &'static str {
    if is_complete { "" } else { "at least " }
}

/// Formats a difference: `+1.2 MiB`, `-1.2 MiB` or `0 B`.
pub fn signed(count: i64) -> String {
    let sign = match count {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", bytes(ByteSize::b(count.unsigned_abs())))
}

/// Formats a number with its noun: `1 image`, `2 images`.
pub fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", HumanCount(number as u64))
}

/// Formats a duration in the largest unit that divides it: `6 minutes`, `36 hours`.
pub fn period(duration: SignedDuration) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = duration.as_secs();
    let unit = UNITS.iter().find(|(length, _)| seconds % length == 0 && seconds != 0);
    let (length, noun) = unit.unwrap_or(&(1, "second"));
    plural((seconds / length).unsigned_abs() as usize, noun)
}

/// Formats how long before `now` a time was: `2 hours ago`.
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
    // At least two of the larger units: "13 days ago" is more precise than "1 week ago".
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
    use crate::cache::{EntryName, Folder, Location};
    use crate::usage::Measurement;

    #[test]
    fn times_are_shown_in_the_largest_precise_unit() {
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
    fn a_period_is_shown_as_it_was_written() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (90, "90 seconds"),
            (360, "6 minutes"),
            (3600, "1 hour"),
            (36 * 3600, "36 hours"),
            (3 * 86_400, "3 days"),
        ] {
            assert_eq!(period(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_difference_has_a_sign_unless_there_is_none() {
        for (count, shown) in [(0, "0 B"), (1536, "+1.5 KiB"), (-1536, "-1.5 KiB")] {
            assert_eq!(signed(count), shown);
        }
        assert_eq!(signed(i64::MIN), "-8.0 EiB");
    }

    #[test]
    fn numbers_are_grouped_and_sizes_have_units_and_bounds() {
        assert_eq!(number(12_345_678, true), "12,345,678");
        assert_eq!(number(7, false), "at least 7");
        assert_eq!(size(Size::exactly(ByteSize::b(854_800_000))), "815.2 MiB");
        assert_eq!(size(Size::default()), "0 B");
        assert_eq!(bytes(ByteSize::b((1 << 20) - 1)), "1.0 MiB");
        assert_eq!(bytes(ByteSize::b((1 << 20) - (60 << 10))), "964.0 KiB");
        assert_eq!(bytes(ByteSize::b(1023)), "1023 B");
        let one = Estimate::exactly(ByteSize::mib(12));
        let two = one.or_up_to(ByteSize::mib(678));
        assert_eq!([one, two].map(estimate), ["12.0 MiB", "12.0 MiB – 690.0 MiB"]);
        assert_eq!([one, two].map(narrow_estimate), ["12.0 MiB", "12.0–690.0 MiB"]);
        assert_eq!(
            [one, two].map(|size| up_to(size.at_most())),
            ["up to 12.0 MiB", "up to 690.0 MiB"]
        );
        assert_eq!(up_to(Size::default()), "0 B");
        let unsure = Estimate::default().or_up_to(ByteSize::mib(678));
        assert_eq!([estimate(unsure), narrow_estimate(unsure)], ["up to 678.0 MiB"; 2]);
        // A location that was not measured counts as unreadable.
        let unread = Measurement::default()
            .total([&Location { folder: Folder::Root, name: EntryName::new("sha256-a").unwrap() }]);
        assert_eq!(size(unread.on_disk()), "at least 0 B");
        let [one, two] = [one, two].map(|estimate| estimate + unread.on_disk().into());
        assert_eq!(
            [one, two].map(estimate),
            ["at least 12.0 MiB", "at least 12.0 MiB – 690.0 MiB"]
        );
        assert_eq!(up_to(two.at_most()), "up to 690.0 MiB or more");
        assert_eq!([plural(1, "image"), plural(2, "image")], ["1 image", "2 images"]);
    }
}
