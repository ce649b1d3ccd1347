//! A bar of proportion.

/// A part of a column, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of at most `columns` columns, as long as `part` is of `whole`: to an eighth of a column, and
/// at least that for any part at all. No longer than it has to be: nothing is filled up with spaces.
pub fn gauge(part: u64, whole: u64, columns: usize) -> String {
    if part == 0 || whole == 0 {
        return String::new();
    }
    let share = part.min(whole) as f64 / whole as f64;
    let eighths = ((share * 8.0 * columns as f64).round() as usize).max(1);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        for (part, whole, bar) in [
            (0, 100, ""),
            (1, 0, ""),
            (1, 1_000_000, "▏"),
            (50, 100, "██"),
            (60, 100, "██▍"),
            (99, 100, "████"),
            (100, 100, "████"),
            (200, 100, "████"),
            (u64::MAX, u64::MAX, "████"),
        ] {
            assert_eq!(gauge(part, whole, 4), bar, "{part} of {whole}");
        }
    }
}
