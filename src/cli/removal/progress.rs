//! A collection as it is seen: bars, and a line for each removal.

use super::lines::{self, Layout};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::ui::bars::{MeasureBars, TreesBar};
use crate::cli::ui::console::OutputError;
use crate::gc::Reporter;
use crate::plan::{Decision, Plan};
use crate::stop::StopFlag;
use crate::sweep::RemovalResult;
use crate::usage::Progress;

/// Draws bars as long as it lives.
pub struct Bars<'a> {
    context: &'a Context<'a>,
    measured: Option<MeasureBars>,
    removal: Option<Removal>,
}

/// What is drawn of a sweep.
struct Removal {
    bar: TreesBar,
    /// How many removals have ended.
    ended: usize,
    layout: Layout,
    /// The first failure to print a line. The sweep goes on all the same.
    printed: Result<(), OutputError>,
}

impl<'a> Bars<'a> {
    /// For making a plan.
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, measured: None, removal: None }
    }

    /// For carrying out a plan.
    pub fn of_removal(context: &'a Context<'a>, plan: &Plan) -> Self {
        let bar = TreesBar::new(context.console, plan.changes().count());
        let layout = Layout::new(plan, context.console.width(), false);
        let removal = Removal { bar, ended: 0, layout, printed: Ok(()) };
        Self { removal: Some(removal), ..Self::new(context) }
    }

    /// Whether all lines could be printed.
    pub fn into_printed(self) -> Result<(), OutputError> {
        self.removal.map_or(Ok(()), |removal| removal.printed)
    }
}

impl Reporter for Bars<'_> {
    fn stop(&self) -> StopFlag {
        self.context.signals.stop()
    }

    fn measuring(&mut self, progress: &Progress) {
        let console = self.context.console;
        self.measured.get_or_insert_with(|| MeasureBars::new(console)).show(progress);
    }

    fn removing(&mut self, progress: &Progress) {
        self.measured = None;
        if let Some(removal) = &self.removal {
            removal.bar.show(progress, removal.ended);
        }
    }

    fn removed(&mut self, decision: &Decision, result: &RemovalResult) {
        self.measured = None;
        let Some(removal) = &mut self.removal else { return };
        removal.ended += 1;
        let layout = removal.layout;
        let printed = removal.bar.aside(|| print(self.context, layout, decision, result));
        if removal.printed.is_ok() {
            removal.printed = printed;
        }
    }
}

fn print(
    context: &Context<'_>,
    layout: Layout,
    decision: &Decision,
    result: &RemovalResult,
) -> Result<(), OutputError> {
    let console = context.console;
    if let RemovalResult::Failed { problems, .. } = result {
        for line in lines::failures(decision, problems, console.verbose) {
            console.error(line);
        }
    }
    let is_shown = context.format == Format::Table && !console.quiet;
    match result {
        RemovalResult::Removed { freed }
            if is_shown && lines::is_worth_a_line(decision, console.verbose) =>
        {
            console.line(layout.removed(decision, Some(*freed)))
        }
        RemovalResult::Kept { why } if is_shown => {
            console.line(layout.kept_after_all(decision, *why))
        }
        RemovalResult::Gone if is_shown => console.line(layout.gone(decision)),
        RemovalResult::Restored if is_shown => console.line(layout.restored(decision)),
        _ => Ok(()),
    }
}
