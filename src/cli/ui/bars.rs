//! Bars that move while the library works.
//!
//! They are drawn from its counters about ten times a second, on the thread that has asked for the work. Work that is
//! done before the first look is never drawn.

use std::time::Instant;

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bar_terminal::BarTerminal;
use super::console::Console;
use super::text::cut;
use super::units::bytes;
use crate::cache::{Digest, Folder, Location};
use crate::dedupe;
use crate::usage::{Phase, Progress, Usage};

/// How many of the trees being walked are shown.
const SHOWN_TREES: usize = 4;
/// The longest name of a tree that is shown.
const NAME_WIDTH: usize = 32;

/// Stderr, if bars are to be drawn at all.
fn target(console: &Console) -> ProgressDrawTarget {
    if console.draws_bars() {
        ProgressDrawTarget::term_like(Box::new(BarTerminal::new()))
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// A bar over the trees of a job, with what has been counted in them so far.
pub struct TreesBar {
    begun: Instant,
    bar: ProgressBar,
}

impl TreesBar {
    /// For a job that goes through so many `trees`.
    pub fn new(console: &Console, trees: usize) -> Self {
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len} trees  {wide_msg}")
            .expect("the template is a constant")
            .progress_chars("━╸ ");
        let bar = ProgressBar::with_draw_target(Some(trees as u64), target(console));
        Self { begun: Instant::now(), bar: bar.with_style(style) }
    }

    /// Lets `print` write lines while the bar is out of the way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Shows how far the job has come; so many trees are `done`.
    pub fn show(&self, progress: &Progress, done: usize) {
        let usage = progress.total();
        let rate = usage.files as f64 / self.begun.elapsed().as_secs_f64();
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{}  {} files/s", amount(&usage), HumanCount(rate as u64)));
    }
}

impl Drop for TreesBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows trees being measured: one bar for the whole, and a line for each of a few trees.
pub struct MeasureBars {
    group: MultiProgress,
    whole: TreesBar,
    trees: Vec<ProgressBar>,
}

impl MeasureBars {
    pub fn new(console: &Console) -> Self {
        let group = MultiProgress::with_draw_target(target(console));
        let whole = TreesBar::new(console, 0);
        group.add(whole.bar.clone());
        Self { group, whole, trees: Vec::new() }
    }

    /// Shows how far the measurement has come.
    pub fn show(&mut self, progress: &Progress) {
        let done = progress.iter().filter(|(_, counters)| counters.phase() == Phase::Done).count();
        self.whole.bar.set_length(progress.iter().len() as u64);
        self.whole.show(progress, done);
        let walked = progress.iter().filter(|(_, counters)| counters.phase() == Phase::Working);
        let lines: Vec<_> = walked
            .take(SHOWN_TREES)
            .map(|(tree, counters)| {
                let name = cut(&label(tree), NAME_WIDTH);
                format!("  {name:NAME_WIDTH$}  {}", amount(&counters.usage()))
            })
            .collect();
        while self.trees.len() < lines.len() {
            let style =
                ProgressStyle::with_template("{wide_msg}").expect("the template is a constant");
            self.trees.push(self.group.add(ProgressBar::new(0).with_style(style)));
        }
        for (index, bar) in self.trees.iter().enumerate() {
            bar.set_message(lines.get(index).cloned().unwrap_or_default());
        }
    }
}

/// A line for a look at files, of which there is no knowing how many there are.
pub struct LookBar(ProgressBar);

impl LookBar {
    pub fn new(console: &Console) -> Self {
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(None, target(console));
        Self(bar.with_style(style))
    }

    /// Shows how far it has come.
    pub fn show(&mut self, progress: &dedupe::Progress) {
        let found = bytes(progress.total());
        self.0.set_message(format!("{} files  {found} to compare", HumanCount(progress.files())));
        self.0.tick();
    }
}

impl Drop for LookBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar over the bytes that are compared to be shared, with an estimate of the time left.
pub struct ShareBar(ProgressBar);

impl ShareBar {
    pub fn new(console: &Console) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:20} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left",
        )
        .expect("the template is a constant")
        .progress_chars("━╸ ");
        let bar = ProgressBar::with_draw_target(Some(0), target(console));
        Self(bar.with_style(style))
    }

    /// Shows how far it has come.
    pub fn show(&mut self, progress: &dedupe::Progress) {
        self.0.set_length(progress.total().as_u64());
        self.0.set_position(progress.done().as_u64());
    }
}

impl Drop for ShareBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What a tree is called beside its line, safe to print.
pub fn label(tree: &Location) -> String {
    match (tree.folder, Digest::of_entry(&tree.name)) {
        (Folder::Layers, Some(digest)) => format!("layer {}", digest.short()),
        (_, Some(digest)) => digest.short(),
        (_, None) => tree.name.to_string(),
    }
}

fn amount(usage: &Usage) -> String {
    format!("{} files  {}", HumanCount(usage.files), bytes(usage.on_disk().at_least()))
}

impl Drop for MeasureBars {
    fn drop(&mut self) {
        // What could not be cleared was not drawn either.
        let _ = self.group.clear();
    }
}
