//! Parsers for option values. Each error says what is expected.

use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::jobs::Jobs;
use crate::plan::Room;

/// The upper limit for --top and --depth.
const MOST_SHOWN: usize = 10_000;

pub fn parse_jobs(text: &str) -> Result<Jobs, String> {
    let jobs = text.parse().ok().and_then(Jobs::new);
    jobs.ok_or_else(|| format!("expected a number from 1 to {}", Jobs::MAX))
}

/// Parses an absolute path without `..`, and returns it relative to the top of the image.
pub fn parse_inner_path(text: &str) -> Result<PathBuf, String> {
    let below = Path::new(text).strip_prefix("/");
    let below = below.map_err(|_| "expected a path that begins with /".to_owned())?;
    match below.components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(below.to_owned()),
        false => Err("`..` is not allowed in a path in an image".to_owned()),
    }
}

pub fn parse_depth(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST_SHOWN);
    number.ok_or_else(|| format!("expected a number from 0 to {MOST_SHOWN}"))
}

pub fn parse_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST_SHOWN).contains(number));
    number.ok_or_else(|| format!("expected a number from 1 to {MOST_SHOWN}"))
}

/// Parses a duration such as `36h` or `7d`. A day has 24 hours.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.ok_or_else(|| "expected a duration, such as 90m, 36h, 7d or 2w".to_owned())
}

/// Parses a size, or a percentage of the file system.
pub fn parse_room(text: &str) -> Result<Room, String> {
    let Some(number) = text.strip_suffix('%') else { return parse_size(text).map(Room::Bytes) };
    let percent = number.trim_end().parse().ok().filter(|percent| (0..=100).contains(percent));
    percent.map(Room::Percent).ok_or_else(|| "expected a whole percentage, such as 10%".to_owned())
}

/// Parses a size with a unit, such as `20GiB`. A bare number hardly ever means bytes.
pub fn parse_size(text: &str) -> Result<ByteSize, String> {
    let expected = || "expected a size with a unit, such as 20GiB, 1.5GB or 800MiB".to_owned();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let is_number = number.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0);
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !is_number || !is_plain || number.len() == text.len() {
        return Err(expected());
    }
    text.parse().map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, hours) in
            [("36h", 36), ("7d", 7 * 24), ("2w", 14 * 24), ("1d 12h", 36), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in ["", "7", "-1h", "1 fortnight", "1mo", "1y", "d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn room_is_a_size_or_a_share() {
        for (text, room) in [
            ("10%", Room::Percent(10)),
            ("100 %", Room::Percent(100)),
            ("20GiB", Room::Bytes(ByteSize::gib(20))),
        ] {
            assert_eq!(parse_room(text), Ok(room), "{text}");
        }
        for text in ["%", "101%", "-1%", "1.5%", "20", "10%%"] {
            assert!(parse_room(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them_and_need_a_unit() {
        for (text, bytes) in [
            ("20GiB", 20 << 30),
            ("20G", 20_000_000_000),
            ("20 GB", 20_000_000_000),
            ("1.5GiB", 3 << 29),
            ("800m", 800_000_000),
            ("64KiB", 65_536),
            ("512B", 512),
            ("0B", 0),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(ByteSize::b(bytes)), "{text}");
        }
        for text in
            ["", "20", "GiB", "-1GiB", "1e3G", "infGiB", "nanG", "20 parsecs", "1..5G", "+1G"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
