//! The result of `gc` and `purge`, dry or real.

use bytesize::ByteSize;

use super::json::Document;
use super::lines::{self, Counts};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::signals::Signals;
use crate::cli::ui::json::document;
use crate::cli::ui::units::{plural, size};
use crate::plan::{Plan, Verdict};
use crate::sweep::{Fate, Outcome};

/// What was planned and, unless it was a dry run, what came of it.
#[derive(Default)]
pub struct Report {
    pub plan: Plan,
    /// What removing everything that is doomed gives back, by measurement.
    pub reclaimable: ByteSize,
    /// `None` for a dry run.
    pub outcome: Option<Outcome>,
    pub dry_run: bool,
    /// Bytes that were freed besides the plan's own.
    pub extra_freed: ByteSize,
    /// What to name instead of the removed things' number, for a purge.
    pub whole: Option<String>,
    pub warnings: Vec<String>,
}

impl Report {
    pub fn fate(&self, decision: usize) -> Option<&Fate> {
        self.outcome.as_ref().and_then(|outcome| outcome.fate(decision))
    }

    /// Whether a decision's item is gone, or would be.
    pub fn is_removed(&self, decision: usize) -> bool {
        match self.dry_run {
            true => self.plan.decisions[decision].verdict.removes(),
            false => matches!(self.fate(decision), Some(Fate::Removed { .. })),
        }
    }

    pub fn has_failed(&self, decision: usize) -> bool {
        matches!(self.fate(decision), Some(Fate::Failed { .. }))
    }

    /// Whether a signal kept something from being removed.
    pub fn is_interrupted(&self) -> bool {
        let fates = (0..self.plan.decisions.len()).filter_map(|index| self.fate(index));
        fates.into_iter().any(|fate| matches!(fate, Fate::Interrupted { .. }))
    }

    /// Bytes that were freed, or would be.
    pub fn freed(&self) -> ByteSize {
        if self.dry_run {
            return self.reclaimable;
        }
        let fates = (0..self.plan.decisions.len()).filter_map(|index| self.fate(index));
        fates.fold(self.extra_freed, |freed, fate| freed + fate.freed())
    }

    /// Prints what has not been printed yet, and tells how the command ends.
    pub fn finish(&self, context: &Context<'_>, signals: &Signals) -> Result<Ending, Failure> {
        let console = context.console;
        match context.format {
            Format::Json => console.write(document(&Document::new(self, context))?)?,
            Format::Table => {
                self.warnings.iter().for_each(|warning| console.warn(warning));
                if !console.quiet {
                    console.write(self.text(&context.shown_dir(), console.verbose))?;
                }
            }
        }
        let failed = (0..self.plan.decisions.len()).any(|index| self.has_failed(index));
        Ok(match (self.is_interrupted(), failed || !self.warnings.is_empty()) {
            (true, _) => Ending::Interrupted(signals.exit_code()),
            (false, true) => Ending::Incomplete,
            (false, false) => Ending::Done,
        })
    }

    fn text(&self, directory: &str, verbose: bool) -> String {
        let mut text = String::new();
        let width = lines::width(&self.plan);
        for decision in &self.plan.decisions {
            match decision.verdict {
                Verdict::Remove(_) if self.dry_run && lines::is_worth_a_line(decision, verbose) => {
                    text += &(lines::removed("Would remove", decision, width) + "\n");
                }
                Verdict::Keep(_) if verbose => text += &(lines::kept(decision, width) + "\n"),
                _ => {}
            }
        }
        text + &self.summary(directory) + "\n"
    }

    fn summary(&self, directory: &str) -> String {
        let decisions = 0..self.plan.decisions.len();
        let doomed = self.plan.removals().count();
        if doomed == 0 && self.whole.is_none() {
            return format!("Nothing to remove in {directory}.");
        }
        let removed = decisions.clone().filter(|&index| self.is_removed(index));
        let counts = Counts::of(removed.map(|index| &self.plan.decisions[index].item));
        let what = match &self.whole {
            Some(whole) => format!("{whole} with {counts}"),
            None => counts.to_string(),
        };
        let freed = size(self.freed());
        if self.dry_run {
            return format!("Would remove {what}, freeing {freed}");
        }
        if self.is_interrupted() {
            return format!("Interrupted: removed {counts}, freed {freed}; run it again to finish",);
        }
        match decisions.filter(|&index| self.has_failed(index)).count() {
            0 => format!("Removed {what}, freed {freed}"),
            n => format!(
                "Removed {counts}, freed {freed}; {} could not be removed",
                plural(n, "item")
            ),
        }
    }
}
