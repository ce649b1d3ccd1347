//! Bars that move while the library works.
//!
//! The work runs on a thread of its own; this one waits for its events and looks at its counters
//! ten times a second. The workers know nothing of it, and work that is done before the first
//! look is never drawn.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bar_terminal::BarTerminal;
use super::console::Console;
use super::text::cut;
use super::units::bytes;
use crate::cache::{Digest, Folder, Location};
use crate::error::{Error, Result, cause};
use crate::usage::{Phase, Progress, Usage};

const TICK: Duration = Duration::from_millis(100);
/// How many of the trees being walked are shown.
const SHOWN_TREES: usize = 4;
/// The longest name of a tree that is shown.
const NAME_WIDTH: usize = 32;

/// Something that shows how far a job has come.
pub trait Face<E> {
    /// The job has told something.
    fn event(&mut self, event: E);
    /// A moment has passed.
    fn tick(&mut self);
}

/// Runs `work` while `face` shows how far it has come.
///
/// # Errors
/// The thread for the work cannot be started.
pub fn watch<T: Send, E: Send>(
    face: &mut impl Face<E>,
    work: impl FnOnce(Sender<E>) -> T + Send,
) -> Result<T> {
    std::thread::scope(|scope| {
        // The work owns the sender, so the channel closes when the work is done.
        let (sender, events) = unbounded();
        let worker = std::thread::Builder::new()
            .spawn_scoped(scope, move || work(sender))
            .map_err(|error| Error::Threads { jobs: 1, cause: cause(&error) })?;
        loop {
            match events.recv_timeout(TICK) {
                Ok(event) => face.event(event),
                Err(RecvTimeoutError::Timeout) => face.tick(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Stderr, if bars are to be drawn at all.
fn target(console: &Console) -> ProgressDrawTarget {
    match console.draws_bars() {
        true => ProgressDrawTarget::term_like(Box::new(BarTerminal::new())),
        false => ProgressDrawTarget::hidden(),
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
    /// For so many `trees`.
    pub fn new(console: &Console, trees: usize) -> Self {
        let group = MultiProgress::with_draw_target(target(console));
        let whole = TreesBar::new(console, trees);
        group.add(whole.bar.clone());
        Self { group, whole, trees: Vec::new() }
    }

    /// Shows how far the measurement has come.
    pub fn show(&mut self, progress: &Progress) {
        let done = progress.iter().filter(|(_, counters)| counters.phase() == Phase::Done).count();
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

/// What a tree is called beside its line, safe to print.
fn label(tree: &Location) -> String {
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
