//! Tables with aligned columns.
//!
//! The sections of a table share their columns, so that numbers line up all the way down. If the
//! lines are too long, the gaps shrink first, and one column is cut: the last one, or the one
//! chosen by [`Table::cutting`]. The least important columns are dropped before that column becomes
//! too short, further ones only if nothing else helps, and the first column is cut last. Cells must
//! not contain control characters.

use anstyle::Style;

use super::cell::Cell;
use super::theme::{HEADING, PLAIN};

/// The minimum width of a cut column, however narrow the terminal.
const LEAST: usize = 12;
/// A width at which references can still be told apart.
const GOOD_NAME: usize = 24;
/// The number of spaces between columns, normally and if room is short.
const GAPS: [usize; 2] = [2, 1];

/// The alignment of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows of cells, with the columns given to [`Table::new`].
pub struct Table {
    aligns: Vec<Align>,
    /// The index of the column that is cut.
    cut: usize,
    /// The columns that can be dropped, in this order. Each is dropped only if the cut column would
    /// otherwise fall below the given width.
    spare: Vec<(usize, usize)>,
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<Cell>,
    style: Style,
}

impl Table {
    pub fn new(aligns: impl Into<Vec<Align>>) -> Self {
        let aligns = aligns.into();
        let cut = aligns.len().saturating_sub(1);
        Self { aligns, cut, spare: Vec::new(), rows: Vec::new() }
    }

    /// If the lines are too long, cuts this column instead of the last one.
    pub fn cutting(self, column: usize) -> Self {
        Self { cut: column, ..self }
    }

    /// Drops these columns, in this order, before the cut column becomes too short to tell names
    /// apart.
    pub fn sparing(self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.leaving_out(columns, GOOD_NAME)
    }

    /// Drops these columns, too, if the lines are still too long.
    pub fn yielding(self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.leaving_out(columns, LEAST)
    }

    fn leaving_out(mut self, columns: impl IntoIterator<Item = usize>, room: usize) -> Self {
        self.spare.extend(columns.into_iter().map(|column| (column, room)));
        self
    }

    /// Adds the header of a section, after an empty line unless it is the first one.
    pub fn header<const N: usize>(&mut self, cells: [&str; N]) {
        if !self.rows.is_empty() {
            self.rows.push(Row { cells: Vec::new(), style: PLAIN });
        }
        self.row(cells.map(str::to_owned), HEADING);
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>, style: Style) {
        self.rows.push(Row { cells: cells.into_iter().map(Into::into).collect(), style });
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table, each at most `width` columns wide if there is a limit.
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths();
        let (widths, gap) = match width {
            Some(width) => self.fit(widths, width),
            None => (widths, GAPS[0]),
        };
        self.rows.iter().map(|row| self.line(row, &widths, gap) + "\n").collect()
    }

    /// The widths of the columns and the gap between them, for lines with this width.
    fn fit(&self, mut widths: Vec<Option<usize>>, width: usize) -> (Vec<Option<usize>>, usize) {
        for &(column, room) in &self.spare {
            if self.least(&widths, room) > width {
                widths[column] = None;
            }
        }
        let excess = self.least(&widths, LEAST).saturating_sub(width);
        if let Some(Some(first)) = widths.first_mut() {
            *first = (*first).min(first.saturating_sub(excess).max(LEAST));
        }
        let whole: usize = widths.iter().flatten().sum();
        let columns = widths.iter().flatten().count();
        let fits = |gap: &usize| whole + gap * columns <= width + gap;
        let gap = GAPS.into_iter().find(fits).unwrap_or(GAPS[1]);
        let taken: usize = self.others(&widths).map(|column| column + gap).sum();
        if let Some(Some(cut)) = widths.get_mut(self.cut) {
            *cut = (*cut).min(width.saturating_sub(taken).max(LEAST));
        }
        (widths, gap)
    }

    /// The minimum width of the table, with this much room for the cut column.
    fn least(&self, widths: &[Option<usize>], room: usize) -> usize {
        let others: usize = self.others(widths).map(|column| column + GAPS[1]).sum();
        let cut = widths.get(self.cut).copied().flatten();
        others + cut.map_or(0, |cut| cut.min(room))
    }

    /// The widths of the columns that are not cut.
    fn others(&self, widths: &[Option<usize>]) -> impl Iterator<Item = usize> {
        let all = widths.iter().copied().enumerate();
        all.filter(|(column, _)| *column != self.cut).filter_map(|(_, width)| width)
    }

    /// The widths of the columns; `None` for an empty column.
    fn widths(&self) -> Vec<Option<usize>> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.width());
            }
        }
        widths.into_iter().map(|width| (width > 0).then_some(width)).collect()
    }

    /// A line with the visible columns, without trailing spaces.
    fn line(&self, Row { cells, style }: &Row, widths: &[Option<usize>], gap: usize) -> String {
        let (mut line, mut blank) = (style.to_string(), 0);
        for ((cell, &width), &align) in cells.iter().zip(widths).zip(&self.aligns) {
            let Some(width) = width else { continue };
            let cell = cell.fit(width);
            let rest = width.saturating_sub(cell.width());
            let (before, after) = match align {
                Align::Left => (0, rest),
                Align::Right => (rest, 0),
            };
            if cell.width() > 0 {
                line += &" ".repeat(blank + before);
                line += &cell.paint(*style);
                blank = 0;
            } else {
                blank += before;
            }
            blank += after + gap;
        }
        line + &format!("{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_move_together_and_the_last_one_is_cut() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        table.header(["NAME", "SIZE", "IMAGE"]);
        table.row(["a", "815.2 MiB", "ghcr.io/stacklok/agent:latest"].map(str::to_owned), PLAIN);
        table.header(["LAYER", "SIZE", ""]);
        table.row(["漢字", "1 B", ""].map(str::to_owned), PLAIN);
        let plain = anstream::adapter::strip_str(&table.render(Some(36))).to_string();
        assert_eq!(
            plain.lines().collect::<Vec<_>>(),
            [
                "NAME       SIZE IMAGE",
                "a     815.2 MiB …acklok/agent:latest",
                "",
                "LAYER      SIZE",
                "漢字        1 B",
            ]
        );
    }

    #[test]
    fn unimportant_columns_are_dropped_before_the_last_one_is_cut_short() {
        let aligns = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Left];
        let mut table = Table::new(aligns).sparing([2, 1]).yielding([3]);
        let cells = ["a", "1111", "2222", "3333", "a name of 24 characters."];
        table.row(cells.map(str::to_owned), PLAIN);
        for (width, line) in [
            (None, "a  1111  2222  3333  a name of 24 characters."),
            (Some(41), "a 1111 2222 3333 a name of 24 characters."),
            (Some(40), "a  1111  3333  a name of 24 characters."),
            (Some(35), "a  3333  a name of 24 characters."),
            (Some(30), "a 3333 …name of 24 characters."),
            (Some(19), "a 3333 …characters."),
            (Some(18), "a … 24 characters."),
            (Some(3), "a …characters."),
        ] {
            let plain = anstream::adapter::strip_str(&table.render(width)).to_string();
            assert_eq!(plain.trim_end(), line, "{width:?}");
        }
    }

    #[test]
    fn the_first_column_is_cut_last() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        table.row(["a name of 20 columns", "1111", "0123456789"].map(str::to_owned), PLAIN);
        for (width, line) in [
            (36, "a name of 20 columns 1111 0123456789"),
            (35, "…name of 20 columns 1111 0123456789"),
            (30, "…of 20 columns 1111 0123456789"),
            (1, "… 20 columns 1111 0123456789"),
        ] {
            assert_eq!(table.render(Some(width)).trim_end(), line, "{width}");
        }
    }

    #[test]
    fn an_empty_column_takes_no_room() {
        let mut table = Table::new([Align::Left, Align::Left, Align::Left]);
        table.row(["a", "", "b"].map(str::to_owned), PLAIN);
        table.row([Cell::marked("(c)", HEADING, "d")], PLAIN);
        assert_eq!(table.render(None), format!("a      b\n{HEADING}(c){HEADING:#} d\n"));
    }
}
