//! Text measured in terminal columns, and proportional bars.

use console::strip_ansi_codes;
use unicode_width::UnicodeWidthStr;

/// Replaces the part that was cut.
const ELLIPSIS: &str = "…";
/// The maximum number of characters per column: a letter may have any number of combining marks.
const MOST_CHARS: usize = 8;

/// Pads `text` with spaces to `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(text.width()))
}

/// Shortens `text` to `width` columns by cutting its beginning: the end of a reference or path is
/// the most important part.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.width());
    format!("{ELLIPSIS}{}", tail(text, room))
}

/// Shortens `text` to `width` columns by cutting its end, for example a variable with a long value.
pub fn cut_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    format!("{}{ELLIPSIS}", head(text, width.saturating_sub(ELLIPSIS.width())))
}

/// The longest prefix that fits. The width of a character depends on its neighbours: two may be
/// drawn as one, or a mark after a character may widen it. So the whole prefix is measured each
/// time.
fn head(text: &str, columns: usize) -> &str {
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
    let ends = ends.take(columns * MOST_CHARS);
    ends.map(|end| &text[..end]).take_while(|part| part.width() <= columns).last().unwrap_or("")
}

/// Wraps `text` at `width` columns, with continuation lines indented. Lines break at spaces only,
/// and never inside a command in backticks, so that each command can be copied whole.
pub fn wrap(text: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines = text.split('\n').map(|line| wrap_line(line, width, indent));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize, indent: usize) -> String {
    if shown_width(line) <= width {
        return line.to_owned();
    }
    let (mut text, mut column) = (String::new(), 0);
    for word in words(line) {
        let length = shown_width(word.trim_end());
        if column > indent && column + length > width {
            text.truncate(text.trim_end().len());
            text += &format!("\n{}", " ".repeat(indent));
            column = indent;
        }
        text += word;
        column += shown_width(word);
    }
    text.truncate(text.trim_end().len());
    text
}

/// The width of a text that may contain colours.
fn shown_width(text: &str) -> usize {
    strip_ansi_codes(text).width()
}

/// The words of a line, each with the spaces after it. A command in backticks is one word.
fn words(line: &str) -> Vec<&str> {
    let (mut words, mut start, mut is_command) = (Vec::new(), 0, false);
    let mut chars = line.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        is_command ^= c == '`';
        if let Some(&(next, following)) = chars.peek()
            && c == ' '
            && following != ' '
            && !is_command
        {
            words.push(&line[start..next]);
            start = next;
        }
    }
    words.push(&line[start..]);
    words
}

#[cfg(any(feature = "tui", test))]
/// Breaks `text` into pieces of at most `width` columns, at any position.
pub fn fold(text: &str, width: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while rest.width() > width {
        let piece = head(rest, width);
        if piece.is_empty() {
            break;
        }
        pieces.push(piece.to_owned());
        rest = &rest[piece.len()..];
    }
    pieces.push(rest.to_owned());
    pieces
}

/// The longest suffix that fits and does not start with a combining mark.
fn tail(text: &str, columns: usize) -> &str {
    let starts = text.char_indices().rev().map(|(start, _)| start).take(columns * MOST_CHARS);
    let fitting = starts.map(|start| &text[start..]).take_while(|part| part.width() <= columns);
    let whole = |part: &&str| part.chars().next().is_some_and(|c| c.to_string().width() > 0);
    fitting.filter(whole).last().unwrap_or("")
}

/// Fractions of a column, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar that shows `part` in relation to `whole`, at most `columns` wide: rounded to an eighth of
/// a column, and at least that unless `part` is zero. Not padded with spaces.
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
    fn the_beginning_is_cut_and_the_end_stays() {
        for (text, width, shown) in [
            ("short", 5, "short"),
            ("ghcr.io/stacklok/agent-1:latest", 18, "…ok/agent-1:latest"),
            ("ghcr.io/stacklok/agent-1:latest", 10, "…-1:latest"),
            ("漢字漢字", 7, "…字漢字"),
            ("漢字漢字", 6, "…漢字"),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "…e\u{301}e\u{301}"),
            ("abc❤\u{fe0f}", 4, "…c❤\u{fe0f}"),
            ("abcd❤\u{fe0f}", 3, "…❤\u{fe0f}"),
            ("anything", 1, "…"),
        ] {
            assert_eq!(cut(text, width), shown, "{text} {width}");
        }
    }

    #[test]
    fn a_sentence_is_broken_between_words_and_never_inside_a_command() {
        let text = "1 orphan, 2 MiB: run `bbox cache gc --all` to remove it";
        for (width, lines) in [
            (None, "1 orphan, 2 MiB: run `bbox cache gc --all` to remove it"),
            (Some(55), "1 orphan, 2 MiB: run `bbox cache gc --all` to remove it"),
            (Some(54), "1 orphan, 2 MiB: run `bbox cache gc --all` to remove\n  it"),
            (Some(25), "1 orphan, 2 MiB: run\n  `bbox cache gc --all`\n  to remove it"),
            (Some(9), "1 orphan,\n  2 MiB:\n  run\n  `bbox cache gc --all`\n  to\n  remove\n  it"),
        ] {
            assert_eq!(wrap(text, width, 2), lines, "{width:?}");
        }
        assert_eq!(wrap("\x1b[1mbold\x1b[0m word", Some(9), 0), "\x1b[1mbold\x1b[0m word");
    }

    #[test]
    fn a_text_is_folded_anywhere_and_loses_nothing() {
        for (text, pieces) in [
            ("short", &["short"][..]),
            ("abcdefghijkl", &["abcdefghij", "kl"]),
            ("漢字漢字漢字", &["漢字漢字漢", "字"]),
        ] {
            assert_eq!(fold(text, 10), pieces, "{text}");
        }
    }

    #[test]
    fn endless_combining_marks_take_no_time() {
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
