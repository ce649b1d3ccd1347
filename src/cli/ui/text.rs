//! Text by the columns that it takes on a terminal, and bars of proportion.

use console::strip_ansi_codes;
use unicode_width::UnicodeWidthStr;

/// What a cut leaves in place of the beginning.
const ELLIPSIS: &str = "…";
/// Characters to a column, at most: any number of marks can be heaped on one letter.
const MOST_CHARS: usize = 8;

/// Fills `text` up with spaces to `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(text.width()))
}

/// Shortens `text` to `width` columns by leaving out its beginning: the end of a reference or of a
/// path tells most.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.width());
    format!("{ELLIPSIS}{}", tail(text, room))
}

/// Shortens `text` to `width` columns by leaving out its end, as for a variable with a long value.
pub fn cut_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    format!("{}{ELLIPSIS}", head(text, width.saturating_sub(ELLIPSIS.width())))
}

/// The longest beginning that fits. What a character takes depends on its neighbours: two may be
/// shown as one, or one be drawn wider by a mark that follows it. So the whole is looked at each time.
fn head(text: &str, columns: usize) -> &str {
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8());
    let ends = ends.take(columns * MOST_CHARS);
    ends.map(|end| &text[..end]).take_while(|part| part.width() <= columns).last().unwrap_or("")
}

/// Breaks `text` into lines of at most `width` columns, the further ones indented. Breaks are at
/// spaces only, and never inside a command in backticks, so that each can be copied whole.
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

/// The columns of a text that may have colours.
fn shown_width(text: &str) -> usize {
    strip_ansi_codes(text).width()
}

/// The words of a line, each with the spaces behind it; a command in backticks is one word.
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
/// Breaks `text` into pieces of at most `width` columns, wherever that is.
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

/// The longest end that fits, and does not begin with a mark for the letter before it.
fn tail(text: &str, columns: usize) -> &str {
    let starts = text.char_indices().rev().map(|(start, _)| start).take(columns * MOST_CHARS);
    let fitting = starts.map(|start| &text[start..]).take_while(|part| part.width() <= columns);
    let whole = |part: &&str| part.chars().next().is_some_and(|c| c.to_string().width() > 0);
    fitting.filter(whole).last().unwrap_or("")
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
    fn the_beginning_goes_and_the_end_stays() {
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
