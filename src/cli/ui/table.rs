//! Columns that line up.
//!
//! Sections of one table share their columns, so that numbers stand below each other all the way
//! down. Where the lines are too long, the columns move together, and the last one is cut in the
//! middle: the ends of a reference tell most. If that is not enough, columns that can be spared go.
//! Cells must be free of control characters.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a cut leaves in place of the middle.
const ELLIPSIS: &str = "…";
/// The last column is never cut below this width, however narrow the terminal.
const LEAST_LAST: usize = 12;
/// Spaces between two columns, and between two columns that are short of room.
const GAPS: [usize; 2] = [2, 1];

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows of cells, all with the columns that [`Table::new`] was told.
pub struct Table {
    aligns: Vec<Align>,
    /// The columns that can be spared, in this order.
    spare: Vec<usize>,
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<String>,
    style: Style,
}

impl Table {
    pub fn new(aligns: impl Into<Vec<Align>>) -> Self {
        Self { aligns: aligns.into(), spare: Vec::new(), rows: Vec::new() }
    }

    /// The same table, which can do without these columns where there is no room, the first of them
    /// first.
    pub fn sparing(self, spare: impl Into<Vec<usize>>) -> Self {
        Self { spare: spare.into(), ..self }
    }

    /// Adds the header of a section, below an empty line if it is not the first one.
    pub fn header<const N: usize>(&mut self, cells: [&str; N]) {
        if !self.rows.is_empty() {
            self.rows.push(Row { cells: Vec::new(), style: Style::new() });
        }
        self.row(cells.map(str::to_owned), Style::new().bold());
    }

    pub fn row(&mut self, cells: impl Into<Vec<String>>, style: Style) {
        self.rows.push(Row { cells: cells.into(), style });
    }

    /// The table's lines, none wider than `width` if there is one.
    pub fn render(&self, width: Option<usize>) -> String {
        let mut widths = self.widths();
        for &column in &self.spare {
            if width.is_some_and(|width| least(&widths) > width) {
                widths[column] = None;
            }
        }
        let whole: usize = widths.iter().flatten().sum();
        let columns = widths.iter().flatten().count();
        let fits = |gap: &usize| width.is_none_or(|width| whole + gap * columns <= width + gap);
        let gap = GAPS.into_iter().find(fits).unwrap_or(GAPS[1]);
        if let (Some(width), Some((Some(last), others))) = (width, widths.split_last_mut()) {
            let taken: usize = others.iter().flatten().map(|column| column + gap).sum();
            *last = (*last).min(width.saturating_sub(taken).max(LEAST_LAST));
        }
        let mut text = String::new();
        for Row { cells, style } in &self.rows {
            let line = self.line(cells, &widths, gap);
            text += &format!("{style}{}{style:#}\n", line.trim_end());
        }
        text
    }

    fn widths(&self) -> Vec<Option<usize>> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.width());
            }
        }
        widths.into_iter().map(Some).collect()
    }

    /// A line of the columns that have a width.
    fn line(&self, cells: &[String], widths: &[Option<usize>], gap: usize) -> String {
        let mut line = String::new();
        for ((cell, &width), &align) in cells.iter().zip(widths).zip(&self.aligns) {
            let Some(width) = width else { continue };
            let cell = cut(cell, width);
            line += &match align {
                Align::Left => pad(&cell, width),
                Align::Right => " ".repeat(width.saturating_sub(cell.width())) + &cell,
            };
            line += &" ".repeat(gap);
        }
        line
    }
}

/// How narrow a table with such columns can be.
fn least(widths: &[Option<usize>]) -> usize {
    let [others @ .., Some(last)] = widths else { return 0 };
    let others: usize = others.iter().flatten().map(|column| column + GAPS[1]).sum();
    others + (*last).min(LEAST_LAST)
}

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
    let head = take_columns(text.chars(), room - tail_room);
    let tail: String = take_columns(text.chars().rev(), tail_room).chars().rev().collect();
    format!("{head}{ELLIPSIS}{tail}")
}

fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut left = columns;
    chars
        .take_while(|c| {
            let width = c.width().unwrap_or(0);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_move_together_and_the_last_one_is_cut() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        table.header(["NAME", "SIZE", "IMAGE"]);
        table.row(
            ["a".into(), "815.2 MiB".into(), "ghcr.io/stacklok/agent:latest".into()],
            Style::new(),
        );
        table.header(["LAYER", "SIZE", ""]);
        table.row(["漢字".into(), "1 B".into(), String::new()], Style::new());
        let plain = anstream::adapter::strip_str(&table.render(Some(36))).to_string();
        assert_eq!(
            plain.lines().collect::<Vec<_>>(),
            [
                "NAME       SIZE IMAGE",
                "a     815.2 MiB ghcr.i…/agent:latest",
                "",
                "LAYER      SIZE",
                "漢字        1 B",
            ]
        );
    }

    #[test]
    fn columns_that_can_be_spared_go_one_after_the_other() {
        let aligns = [Align::Left, Align::Right, Align::Right, Align::Left];
        let mut table = Table::new(aligns).sparing([2, 1]);
        table.row(["a", "1111", "2222", "image"].map(str::to_owned), Style::new());
        for (width, line) in [
            (Some(17), "a 1111 2222 image"),
            (Some(16), "a  1111  image"),
            (Some(11), "a  image"),
            (Some(3), "a image"),
            (None, "a  1111  2222  image"),
        ] {
            let plain = anstream::adapter::strip_str(&table.render(width)).to_string();
            assert_eq!(plain.trim_end(), line, "{width:?}");
        }
    }

    #[test]
    fn a_cut_text_has_the_width_that_was_asked_for_at_most() {
        for width in 1..30 {
            for text in
                ["ghcr.io/stacklok/brood-box/agent:latest", "漢字漢字漢字漢字漢字漢字漢字漢字"]
            {
                assert!(cut(text, width).width() <= width, "{text} {width}");
            }
        }
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("ghcr.io/stacklok/agent-1:latest", 18), "gh…/agent-1:latest");
    }
}
