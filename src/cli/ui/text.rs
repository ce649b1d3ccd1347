//! Text by the columns that it takes on a terminal, and bars of proportion.

use unicode_width::UnicodeWidthStr;

/// What a cut leaves in place of the middle.
const ELLIPSIS: &str = "…";
/// Characters to a column, at most: any number of marks can be heaped on one letter.
const MOST_CHARS: usize = 8;

/// Fills `text` up with spaces to `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(text.width()))
}

/// Shortens `text` to `width` columns by leaving out its middle, and keeps what is behind its last
/// slash if that fits.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.width());
    let name = text.rfind('/').map_or(0, |slash| text[slash..].width());
    let tail_room = if name <= room { name.max(room - room / 3) } else { room - room / 3 };
    let (head, tail) = (head(text, room - tail_room), tail(text, tail_room));
    format!("{head}{ELLIPSIS}{tail}")
}

/// The longest beginning that fits. What a character takes depends on its neighbours: two may be
/// shown as one, or one be drawn wider by a mark that follows it. So the whole is looked at each time.
fn head(text: &str, columns: usize) -> &str {
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
    let ends = ends.take(columns * MOST_CHARS);
    ends.map(|end| &text[..end]).take_while(|part| part.width() <= columns).last().unwrap_or("")
}

/// The longest end that fits, and does not begin with a mark for the letter before it.
fn tail(text: &str, columns: usize) -> &str {
    let starts = text.char_indices().rev().map(|(start, _)| start).take(columns * MOST_CHARS);
    let fitting = starts.map(|start| &text[start..]).take_while(|part| part.width() <= columns);
    let whole = |part: &&str| part.chars().next().is_some_and(|c| c.to_string().width() > 0);
    fitting.filter(whole).last().unwrap_or("")
}

/// Breaks `text` into lines of at most `width` columns, at spaces where there are any; what follows is set in by two.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text.to_owned());
    while rest.width() > width {
        let fitting = head(&rest, width).trim_end();
        // A break in the first third leaves more of a hole than it is worth.
        let space = fitting.rfind(' ').filter(|&space| fitting[..space].trim().len() > width / 3);
        let end = space.unwrap_or(fitting.len());
        if end == 0 {
            break;
        }
        lines.push(rest[..end].trim_end().to_owned());
        rest = format!("  {}", rest[end..].trim_start());
    }
    lines.push(rest);
    lines
}

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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_middle_goes_and_the_name_stays() {
        for (text, width, shown) in [
            ("short", 5, "short"),
            ("ghcr.io/stacklok/agent-1:latest", 18, "gh…/agent-1:latest"),
            ("ghcr.io/stacklok/agent-1:latest", 10, "ghc…latest"),
            ("漢字漢字", 7, "漢…漢字"),
            ("漢字漢字", 6, "…漢字"),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "…e\u{301}e\u{301}"),
            ("abc❤\u{fe0f}", 4, "a…❤\u{fe0f}"),
            ("abcd❤\u{fe0f}", 3, "…❤\u{fe0f}"),
            ("anything", 1, "…"),
        ] {
            assert_eq!(cut(text, width), shown, "{text} {width}");
        }
    }

    #[test]
    fn a_long_line_is_broken_at_spaces_and_loses_nothing() {
        for (text, lines) in [
            ("short", &["short"][..]),
            ("one two three four", &["one two", "  three", "  four"]),
            ("abcdefghijklmnop", &["abcdefghij", "  klmnop"]),
            ("漢字漢字漢字漢字", &["漢字漢字漢", "  字漢字"]),
            ("", &[""]),
        ] {
            assert_eq!(wrap(text, 10), lines, "{text}");
        }
    }

    #[test]
    fn marks_without_end_take_no_time() {
        let text = "a".to_owned() + &"\u{301}".repeat(1 << 20) + "bcd";
        assert_eq!(cut(&text, 3), "…cd");
    }

    proptest! {
        #[test]
        fn a_cut_text_takes_no_more_columns_than_there_are(
            text in "([a/é漢]|e\u{301}|❤\u{fe0f}|👩🏽|🇩🇪|لا|1\u{fe0f}\u{20e3}|\\PC){0,40}",
            width in 1..40usize,
        ) {
            let shown = cut(&text, width);
            prop_assert!(shown.width() <= width, "{shown:?}");
            prop_assert_eq!(shown == text, text.width() <= width);
            let lines = wrap(&text, width.max(8));
            prop_assert!(lines.iter().all(|line| line.width() <= width.max(8)), "{lines:?}");
        }
    }

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
