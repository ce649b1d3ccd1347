//! The largest directories and files of an image as a tree, or its largest files alone, each with a
//! bar.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use unicode_width::UnicodeWidthStr;

use crate::cli::args::Show;
use crate::cli::ui::text::{cut, gauge, pad};
use crate::cli::ui::theme::{GAUGE, HEADING};
use crate::cli::ui::units::{bytes, size};
use crate::escape::Escaped;
use crate::usage::{Breakdown, Size};

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

/// A directory or file in the tree.
struct Node {
    /// Its path below the directory that is shown.
    path: PathBuf,
    size: Size,
    is_directory: bool,
}

impl Node {
    fn depth(&self) -> usize {
        self.path.components().count()
    }

    fn order(&self) -> (Reverse<ByteSize>, bool, &Path) {
        (Reverse(self.size.at_least()), !self.is_directory, &self.path)
    }
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
        ("NAME", tree(largest(breakdown, args.top, args.depth)))
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

/// The `count` largest directories and files up to `depth` levels down.
fn largest(breakdown: &Breakdown, count: usize, depth: usize) -> Vec<Node> {
    let directories = breakdown.largest(count, depth).into_iter().map(|part| Node {
        path: part.path,
        size: part.usage.on_disk(),
        is_directory: true,
    });
    let files = breakdown.files().iter().map(|file| Node {
        path: file.path.clone(),
        size: Size::exactly(file.on_disk),
        is_directory: false,
    });
    let is_shown = |file: &Node| file.depth() <= depth && file.size != Size::default();
    let nodes = directories.chain(files.filter(is_shown));
    choose(nodes.collect(), count)
}

/// The largest nodes, largest first, each only if its directory is chosen, too. A file with names
/// in several directories counts in none of them, so it can be larger than the directory it is in.
/// Then it follows its directory.
fn choose(mut nodes: Vec<Node>, count: usize) -> Vec<Node> {
    nodes.sort_by(|one, other| one.order().cmp(&other.order()));
    let (mut chosen, mut known) = (Vec::new(), HashSet::from([PathBuf::new()]));
    let mut early = HashMap::<PathBuf, Vec<Node>>::new();
    for node in nodes {
        let above = node.path.parent().unwrap_or(Path::new("")).to_path_buf();
        if !known.contains(&above) {
            early.entry(above).or_default().push(node);
            continue;
        }
        known.insert(node.path.clone());
        let larger = early.remove(&node.path).unwrap_or_default();
        chosen.push(node);
        chosen.extend(larger);
    }
    chosen.truncate(count);
    chosen
}

/// The lines of nodes that come largest first, each below its directory.
fn tree(nodes: Vec<Node>) -> Vec<Line> {
    let mut below = HashMap::<PathBuf, Vec<Node>>::new();
    for node in nodes.into_iter().rev() {
        let above = node.path.parent().map(Path::to_path_buf).unwrap_or_default();
        below.entry(above).or_default().push(node);
    }
    let mut ordered = Vec::new();
    let mut waiting = below.remove(Path::new("")).unwrap_or_default();
    while let Some(node) = waiting.pop() {
        waiting.extend(below.remove(&node.path).unwrap_or_default());
        ordered.push(node);
    }
    let branches = branches(&ordered.iter().map(Node::depth).collect::<Vec<_>>());
    let line = |(node, branches): (Node, String)| Line {
        size: size(node.size),
        on_disk: node.size.at_least(),
        branches,
        name: name(&node),
    };
    ordered.into_iter().zip(branches).map(line).collect()
}

fn name(node: &Node) -> String {
    let name = node.path.file_name().unwrap_or_default();
    format!("{}{}", Escaped::new(name), if node.is_directory { "/" } else { "" })
}

/// The branches before each name: one column per level above it, with a line if more entries follow
/// on that level.
fn branches(depths: &[usize]) -> Vec<String> {
    // The levels on which more entries follow below the current line.
    let mut comes = Vec::<bool>::new();
    let mut branches: Vec<_> = depths
        .iter()
        .rev()
        .map(|&depth| {
            let is_last = !comes.get(depth - 1).is_some_and(|comes| *comes);
            comes.resize(depth, false);
            comes[depth - 1] = true;
            let above = comes[..depth - 1].iter();
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

    fn node(path: &str, kib: u64, is_directory: bool) -> Node {
        Node { path: PathBuf::from(path), size: Size::exactly(ByteSize::kib(kib)), is_directory }
    }

    /// Lines of equal size.
    fn lines(depths: &[usize], name: &str) -> Vec<Line> {
        let line = |branches| Line {
            size: "7.0 KiB".to_owned(),
            on_disk: ByteSize::kib(7),
            branches,
            name: name.to_owned(),
        };
        branches(depths).into_iter().map(line).collect()
    }

    #[test]
    fn a_tree_is_drawn_with_its_branches() {
        assert_eq!(
            branches(&[1, 2, 3, 2, 1, 2, 3, 4, 1]),
            ["├─ ", "│ ├─ ", "│ │ └─ ", "│ └─ ", "├─ ", "│ └─ ", "│   └─ ", "│     └─ ", "└─ ",]
        );
    }

    #[test]
    fn large_files_are_among_the_directories() {
        let nodes = || {
            vec![
                node("usr", 60, true),
                node("usr/lib", 50, true),
                node("usr/lib/a", 20, true),
                node("usr/lib/so", 30, false),
                node("opt", 9, true),
                node("opt/twin", 40, false),
                node("swap", 10, false),
            ]
        };
        for (count, expected) in [
            (0, &[][..]),
            (1, &["usr/"]),
            (2, &["usr/", "lib/"]),
            // A file with another name elsewhere is larger than its directory.
            (3, &["usr/", "lib/", "so"]),
            (4, &["usr/", "lib/", "so", "a/"]),
            (6, &["usr/", "lib/", "so", "a/", "swap", "opt/"]),
            (9, &["usr/", "lib/", "so", "a/", "swap", "opt/", "twin"]),
        ] {
            let names = tree(choose(nodes(), count)).into_iter().map(|line| line.name);
            assert_eq!(names.collect::<Vec<_>>(), expected, "{count}");
        }
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
