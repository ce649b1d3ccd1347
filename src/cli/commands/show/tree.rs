//! The largest directories of an image as a tree, or its largest files, each with a bar.

use std::path::Path;

use bytesize::ByteSize;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::Show;
use crate::cli::ui::text::{cut, gauge, pad};
use crate::cli::ui::theme::{GAUGE, HEADING};
use crate::cli::ui::units::{bytes, size};
use crate::escape::Escaped;
use crate::usage::{Breakdown, Part};

/// The minimum width of a cut name, however narrow the terminal.
const LEAST_NAME: usize = 12;
/// The length of the longest bar without a width limit.
const USUAL_BAR: usize = 20;
/// The maximum length of a bar: beyond that, size and percentage are too far apart.
const LONGEST_BAR: usize = 40;
/// The width of a percentage with the space before it.
const PERCENT: usize = 5;
/// The gap between two columns.
const GAP: &str = "  ";

/// One line.
struct Line {
    size: String,
    on_disk: ByteSize,
    /// The branches of the tree before the name.
    branches: String,
    name: String,
}

/// The lines for the directory at `path` below the top, none wider than `width` if there is a limit
/// and it is not tiny.
pub fn render(breakdown: &Breakdown, path: &Path, args: &Show, width: Option<usize>) -> String {
    let usage = breakdown.usage();
    let whole = Line {
        size: size(usage.on_disk()),
        on_disk: usage.on_disk().at_least(),
        branches: String::new(),
        name: format!("/{}", Escaped::new(path)),
    };
    let (what, lines) = if args.files {
        ("FILE", files(breakdown, path))
    } else {
        ("DIRECTORY", directories(&breakdown.largest(args.top, args.depth)))
    };
    let lines: Vec<_> = std::iter::once(whole).chain(lines).collect();
    Layout::new(&lines, width).render(what, &lines)
}

fn files(breakdown: &Breakdown, path: &Path) -> Vec<Line> {
    let files = breakdown.files().iter();
    files
        .map(|file| Line {
            size: bytes(file.on_disk),
            on_disk: file.on_disk,
            branches: String::new(),
            name: format!("/{}", Escaped::new(&path.join(&file.path))),
        })
        .collect()
}

fn directories(parts: &[Part]) -> Vec<Line> {
    let branches = branches(parts);
    let line = |(part, branches): (&Part, String)| Line {
        size: size(part.usage.on_disk()),
        on_disk: part.usage.on_disk().at_least(),
        branches,
        name: name(&part.path),
    };
    parts.iter().zip(branches).map(line).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| Escaped::new(name).to_string())
}

/// The branches before each name: one column per level above it, with a line if more entries follow
/// on that level.
fn branches(parts: &[Part]) -> Vec<String> {
    // The levels on which more entries follow below the current line.
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

/// The widths of the columns.
struct Layout {
    size: usize,
    name: usize,
    bar: usize,
    whole: u64,
}

impl Layout {
    /// Bars get the room that names leave, and at least a third. Without a width limit, no name is
    /// cut.
    fn new(lines: &[Line], width: Option<usize>) -> Self {
        let size = lines.iter().map(|line| line.size.width()).max().unwrap_or_default();
        let name = lines.iter().map(|line| line.branches.width() + line.name.width()).max();
        let name = name.unwrap_or_default();
        let whole = lines.iter().map(|line| line.on_disk.as_u64()).max().unwrap_or_default();
        let Some(width) = width else { return Self { size, name, bar: USUAL_BAR, whole } };
        let room = width.saturating_sub(size + 2 * GAP.len() + PERCENT);
        let name = name.min(LEAST_NAME.max(room - room / 3));
        Self { size, name, bar: room.saturating_sub(name).min(LONGEST_BAR), whole }
    }

    fn render(&self, what: &str, lines: &[Line]) -> String {
        let header = format!("{:>size$}{GAP}{what}", "ON DISK", size = self.size);
        let mut text = format!("{HEADING}{header}{HEADING:#}\n");
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
        let size = format!("{:>width$}", line.size, width = self.size);
        format!("{size}{GAP}{name}{GAP}{GAUGE}{bar}{GAUGE:#}{percent:>PERCENT$}\n")
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn lines(depths: &[usize], name: &str) -> Vec<Line> {
        let part = |&depth: &usize| Part {
            path: PathBuf::from(name),
            depth,
            usage: crate::usage::Usage::from_directory(ByteSize::kib(7)),
        };
        directories(&depths.iter().map(part).collect::<Vec<_>>())
    }

    #[test]
    fn a_tree_is_drawn_with_its_branches() {
        let drawn = lines(&[1, 2, 3, 2, 1, 2, 3, 4, 1], "x");
        let drawn: Vec<_> =
            drawn.iter().map(|line| format!("{}{}", line.branches, line.name)).collect();
        assert_eq!(
            drawn,
            [
                "├─ x",
                "│ ├─ x",
                "│ │ └─ x",
                "│ └─ x",
                "├─ x",
                "│ └─ x",
                "│   └─ x",
                "│     └─ x",
                "└─ x",
            ]
        );
    }

    #[test]
    fn lines_fill_the_terminal_whatever_the_names() {
        let deep: Vec<_> = (1..60).collect();
        for depths in [&[1][..], &[1, 2, 2], &deep] {
            for name in ["x", "漢字漢字漢字漢字漢字漢字漢字漢字", &"long".repeat(60)]
            {
                for width in (30..220).step_by(7) {
                    let lines = lines(depths, name);
                    let layout = Layout::new(&lines, Some(width));
                    let text = layout.render("DIRECTORY", &lines);
                    let text = anstream::adapter::strip_str(&text).to_string();
                    for line in text.lines().skip(1) {
                        assert!(line.width() == width || layout.bar == LONGEST_BAR, "{line}");
                        assert!(line.width() <= width, "{line}");
                        assert!(line.ends_with(" 100%"), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_width_nothing_is_cut_or_divided_by_zero() {
        let mut lines = lines(&[1], &"long".repeat(60));
        lines[0].on_disk = ByteSize::b(0);
        let text = Layout::new(&lines, None).render("DIRECTORY", &lines);
        assert!(text.contains(&"long".repeat(60)) && text.ends_with("   0%\n"), "{text}");
    }
}
