//! Progress bars.
//!
//! They are drawn from the counters of the library about ten times a second, on the thread that
//! started the work. Work that finishes before the first update is never drawn.
//!
//! A bar shows the share of files processed. Their total is not known in advance: an unfinished
//! tree counts with the average size, or with the number of files found in it so far if that is
//! larger.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bar_terminal::BarTerminal;
use super::console::Console;
use super::text::cut;
use super::units::bytes;
use crate::cache::{Digest, Folder, Location};
use crate::dedupe;
use crate::usage::{Phase, Progress, Usage};

/// The maximum number of trees shown while they are walked.
const SHOWN_TREES: usize = 4;
/// The maximum width of the name of a tree.
const NAME_WIDTH: usize = 32;
/// Before this time, the rate is too unreliable for an estimate.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// Stderr, or nothing if no bars are wanted.
fn target(console: &Console) -> ProgressDrawTarget {
    if console.draws_bars() {
        ProgressDrawTarget::term_like(Box::new(BarTerminal::new()))
    } else {
        ProgressDrawTarget::hidden()
    }
}

fn progress_chars(console: &Console) -> &'static str {
    if console.ascii { "=> " } else { "━╸ " }
}

/// A bar for a job on several trees, with the counts so far.
pub struct TreesBar {
    begun: Instant,
    bar: ProgressBar,
}

impl TreesBar {
    pub fn new(console: &Console) -> Self {
        let style = ProgressStyle::with_template("{bar:20} {percent:>3}%  {wide_msg}")
            .expect("the template is a constant")
            .progress_chars(progress_chars(console));
        let bar = ProgressBar::with_draw_target(Some(1), target(console));
        Self { begun: Instant::now(), bar: bar.with_style(style) }
    }

    /// Hides the bar while `print` writes lines.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Updates the bar.
    pub fn show(&self, progress: &Progress) {
        let (usage, time) = (progress.total(), self.begun.elapsed());
        let expected = expected_files(
            progress.iter().map(|(_, counters)| (counters.usage().files, counters.phase())),
        );
        self.bar.set_length(expected.max(1));
        self.bar.set_position(usage.files);
        let rate = usage.files as f64 / time.as_secs_f64();
        let left = match seconds_left(usage.files, expected, rate) {
            Some(seconds) if time >= LEAST_TIME => format!("  {seconds} s left"),
            _ => String::new(),
        };
        let rate = HumanCount(rate as u64);
        self.bar.set_message(format!("{}  {rate} files/s{left}", amount(&usage)));
    }
}

/// The expected number of files in all trees together.
fn expected_files(trees: impl Iterator<Item = (u64, Phase)>) -> u64 {
    let trees: Vec<_> = trees.collect();
    let finished = trees.iter().filter(|(_, phase)| *phase == Phase::Done);
    let (count, sum) = finished
        .fold((0, 0_u64), |(count, sum), (files, _)| (count + 1, sum.saturating_add(*files)));
    let largest = trees.iter().map(|(files, _)| *files).max().unwrap_or_default();
    let average = sum.checked_div(count).unwrap_or(largest);
    let expected = trees.iter().map(|&(files, phase)| match phase {
        Phase::Done => files,
        _ => files.max(average),
    });
    expected.fold(0, u64::saturating_add)
}

fn seconds_left(done: u64, expected: u64, rate: f64) -> Option<u64> {
    let seconds = expected.saturating_sub(done) as f64 / rate;
    (seconds.is_finite() && seconds >= 1.0).then_some(seconds.ceil() as u64)
}

impl Drop for TreesBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Bars for a measurement: one for the whole, and one line each for a few trees.
pub struct MeasureBars {
    group: MultiProgress,
    whole: TreesBar,
    trees: Vec<ProgressBar>,
}

impl MeasureBars {
    pub fn new(console: &Console) -> Self {
        let group = MultiProgress::with_draw_target(target(console));
        let whole = TreesBar::new(console);
        group.add(whole.bar.clone());
        Self { group, whole, trees: Vec::new() }
    }

    /// Updates the bars. `name` returns the name of a tree, safe to print.
    pub fn show(&mut self, progress: &Progress, name: impl Fn(&Location) -> String) {
        self.whole.show(progress);
        let walked = progress.iter().filter(|(_, counters)| counters.phase() == Phase::Working);
        let lines: Vec<_> = walked
            .take(SHOWN_TREES)
            .map(|(tree, counters)| {
                let name = cut(&name(tree), NAME_WIDTH);
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

/// A line for a search through files, whose total number is unknown.
pub struct LookBar(ProgressBar);

impl LookBar {
    pub fn new(console: &Console) -> Self {
        let style = ProgressStyle::with_template("{wide_msg}").expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(None, target(console));
        Self(bar.with_style(style))
    }

    /// Updates the line.
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

/// A bar for the bytes compared by a deduplication, with an estimate of the time left.
pub struct ShareBar(ProgressBar);

impl ShareBar {
    pub fn new(console: &Console) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:20} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left",
        )
        .expect("the template is a constant")
        .progress_chars(progress_chars(console));
        let bar = ProgressBar::with_draw_target(Some(0), target(console));
        Self(bar.with_style(style))
    }

    /// Updates the bar.
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

/// The name of a tree based on its digest, safe to print.
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
        // A bar that cannot be cleared was not drawn either.
        let _ = self.group.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_trees_count_as_average_ones() {
        use Phase::{Done, Waiting, Working};
        for (trees, expected) in [
            (&[][..], 0),
            (&[(0, Waiting), (0, Waiting)], 0),
            (&[(10, Working), (2, Working), (0, Waiting)], 30),
            (&[(100, Done), (10, Working), (0, Waiting)], 300),
            (&[(100, Done), (300, Done), (250, Working), (0, Waiting)], 850),
            (&[(100, Done), (300, Done)], 400),
            (&[(0, Done), (7, Working)], 7),
        ] {
            assert_eq!(expected_files(trees.iter().copied()), expected, "{trees:?}");
        }
    }

    #[test]
    fn an_estimate_is_made_only_if_there_is_a_rate_and_a_rest() {
        for (done, expected, rate, seconds) in [
            (50, 100, 10.0, Some(5)),
            (99, 100, 10.0, None),
            (0, 100, 0.0, None),
            (0, 0, 0.0, None),
        ] {
            assert_eq!(seconds_left(done, expected, rate), seconds, "{done} of {expected}");
        }
    }
}
