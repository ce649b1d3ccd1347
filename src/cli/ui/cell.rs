//! What stands in one column of one row.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::text::cut;

/// Less of a text than that says nothing.
const LEAST_TEXT: usize = 12;

/// A text, and perhaps a mark before it, which stays whole where the text is cut.
#[derive(Clone, Default)]
pub struct Cell {
    mark: String,
    style: Style,
    text: String,
}

impl Cell {
    /// `mark` is shown in its own `style`.
    pub fn marked(mark: &str, style: Style, text: impl Into<String>) -> Self {
        Self { mark: mark.to_owned(), style, text: text.into() }
    }

    pub fn width(&self) -> usize {
        self.mark.width() + self.gap().width() + self.text.width()
    }

    /// What is between mark and text.
    fn gap(&self) -> &'static str {
        if self.mark.is_empty() || self.text.is_empty() { "" } else { " " }
    }

    /// The cell cut to a width in columns. Where there is hardly any room besides the mark, the text goes.
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

    /// In a row of this style, which is at work before it and after it.
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
    fn a_mark_stays_whole_and_the_text_is_cut_or_goes() {
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
