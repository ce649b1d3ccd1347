//! The largest directories of an image as a tree, or its largest files, each with a bar.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use bytesize::ByteSize;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::Show;
use crate::cli::ui::gauge::gauge;
use crate::cli::ui::table::{cut, pad};
use crate::cli::ui::units::{at_least, size};
use crate::escape::Escaped;
use crate::usage::{Breakdown, Part};

const HEADER: Style = Style::new().bold();
const BAR: Style = AnsiColor::Cyan.on_default();
/// A name is not cut below this width, however narrow the terminal.
const LEAST_NAME: usize = 12;
/// A percentage with the space before it.
const PERCENT: usize = 5;
/// Between two columns.
const GAP: &str = "  ";

/// One line.
struct Line {
    size: String,
    on_disk: ByteSize,
    /// What leads to the name.
    branches: String,
    name: String,
}

/// The lines, none wider than `width`, unless that is very little.
pub fn render(breakdown: &Breakdown, args: &Show, width: usize) -> String {
    let usage = breakdown.usage();
    let whole = Line {
        size: at_least(&usage, usage.on_disk),
        on_disk: usage.on_disk,
        branches: String::new(),
        name: "/".to_owned(),
    };
    let (what, lines) = match args.files {
        true => ("FILE", files(breakdown)),
        false => ("DIRECTORY", directories(&breakdown.largest(args.top, args.depth))),
    };
    let lines: Vec<_> = std::iter::once(whole).chain(lines).collect();
    Layout::new(&lines, width).render(what, &lines)
}

fn files(breakdown: &Breakdown) -> Vec<Line> {
    let files = breakdown.files().iter();
    files
        .map(|file| Line {
            size: size(file.on_disk),
            on_disk: file.on_disk,
            branches: String::new(),
            name: format!("/{}", Escaped::new(&file.path)),
        })
        .collect()
}

fn directories(parts: &[Part]) -> Vec<Line> {
    let branches = branches(parts);
    let line = |(part, branches): (&Part, String)| Line {
        size: at_least(&part.usage, part.usage.on_disk),
        on_disk: part.usage.on_disk,
        branches,
        name: name(&part.path),
    };
    parts.iter().zip(branches).map(line).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| Escaped::new(name).to_string())
}

/// What leads to each name: a column for each level above it, with a line where more is to come.
fn branches(parts: &[Part]) -> Vec<String> {
    // On which levels something comes below the current line.
    let mut comes = Vec::<bool>::new();
    let mut branches: Vec<_> = parts
        .iter()
        .rev()
        .map(|part| {
            let is_last = !comes.get(part.depth - 1).is_some_and(|comes| *comes);
            comes.resize(part.depth, false);
            comes[part.depth - 1] = true;
            let above = comes[..part.depth - 1].iter();
            let above: String = above.map(|comes| if *comes { "│ " } else { "  " }).collect();
            above + if is_last { "└─ " } else { "├─ " }
        })
        .collect();
    branches.reverse();
    branches
}

/// How wide the columns are.
struct Layout {
    size: usize,
    name: usize,
    bar: usize,
    whole: u64,
}

impl Layout {
    /// The bars have what the names leave, and a third at least.
    fn new(lines: &[Line], width: usize) -> Self {
        let size = lines.iter().map(|line| line.size.width()).max().unwrap_or_default();
        let name = lines.iter().map(|line| line.branches.width() + line.name.width()).max();
        let room = width.saturating_sub(size + 2 * GAP.len() + PERCENT);
        let name = name.unwrap_or_default().min(LEAST_NAME.max(room - room / 3));
        let whole = lines.iter().map(|line| line.on_disk.as_u64()).max().unwrap_or_default();
        Self { size, name, bar: room.saturating_sub(name), whole }
    }

    fn render(&self, what: &str, lines: &[Line]) -> String {
        let header = format!("{:>size$}{GAP}{what}", "ON DISK", size = self.size);
        let mut text = format!("{HEADER}{header}{HEADER:#}\n");
        lines.iter().for_each(|line| text += &self.line(line));
        text
    }

    fn line(&self, line: &Line) -> String {
        let room = self.name.saturating_sub(line.branches.width());
        let name = cut(&line.name, room.max(LEAST_NAME));
        let name = pad(&cut(&format!("{}{name}", line.branches), self.name), self.name);
        let part = line.on_disk.as_u64();
        let bar = if self.bar > 0 { gauge(part, self.whole, self.bar) } else { String::new() };
        let bar = pad(&bar, self.bar);
        let percent = format!("{:.0}%", percent(part, self.whole));
        let Line { size, .. } = line;
        format!(
            "{size:>width$}{GAP}{name}{GAP}{BAR}{bar}{BAR:#}{percent:>PERCENT$}\n",
            width = self.size
        )
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
