//! A cell of a table.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::text::cut;

/// Less of a text than this is useless.
const LEAST_TEXT: usize = 12;

/// A text with an optional mark before it. The mark stays whole if the text is cut.
#[derive(Clone, Default)]
pub struct Cell {
    mark: String,
    style: Style,
    text: String,
}

impl Cell {
    /// A cell with a mark in its own `style`.
    pub fn marked(mark: &str, style: Style, text: impl Into<String>) -> Self {
        Self { mark: mark.to_owned(), style, text: text.into() }
    }

    pub fn width(&self) -> usize {
        self.mark.width() + self.gap().width() + self.text.width()
    }

    /// The gap between mark and text.
    fn gap(&self) -> &'static str {
        if self.mark.is_empty() || self.text.is_empty() { "" } else { " " }
    }

    /// The cell, cut to a width in columns. If the mark leaves hardly any room, the text is
    /// dropped.
    pub fn fit(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        let room = width.saturating_sub(self.mark.width() + self.gap().width());
        let (mark, text) = match room {
            _ if self.mark.is_empty() => (String::new(), cut(&self.text, width)),
            0..LEAST_TEXT => (cut(&self.mark, width), String::new()),
            _ => (self.mark.clone(), cut(&self.text, room)),
        };
        Self { mark, style: self.style, text }
    }

    /// Formats the cell for a row in this style, which applies before and after it.
    pub fn paint(&self, row: Style) -> String {
        let Self { mark, style, text } = self;
        if mark.is_empty() {
            text.clone()
        } else {
            format!("{row:#}{style}{mark}{style:#}{row}{}{text}", self.gap())
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stays_whole_and_the_text_is_cut_or_dropped() {
        let cell = |mark: &str, text: &str| Cell::marked(mark, Style::new(), text);
        for (cell, width, shown) in [
            (cell("(orphan)", "older a.io/b/c:1?"), 26, "(orphan) older a.io/b/c:1?"),
            (cell("(orphan)", "older a.io/b/c:1?"), 21, "(orphan) …a.io/b/c:1?"),
            (cell("(orphan)", "older a.io/b/c:1?"), 20, "(orphan)"),
            (cell("(orphan)", ""), 20, "(orphan)"),
            (cell("(orphan)", ""), 6, "…phan)"),
            (cell("", "a.io/b/c:1"), 7, "…/b/c:1"),
        ] {
            assert_eq!(cell.fit(width).paint(Style::new()), shown, "{width}");
        }
    }
}
