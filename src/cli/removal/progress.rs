//! Shows a plan being carried out: a bar, and one line per removal.

use super::lines::{self, Layout};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::measure::Measuring;
use crate::cli::ui::bars::TreesBar;
use crate::cli::ui::console::OutputError;
use crate::gc::{Detail, Reporter};
use crate::plan::{Decision, Plan};
use crate::stop::StopFlag;
use crate::sweep::RemovalResult;
use crate::usage::Progress;

/// Draws bars while it exists.
pub struct Removing<'a> {
    context: &'a Context<'a>,
    detail: Detail,
    /// `None` once the removal has started.
    measuring: Option<Measuring<'a>>,
    bar: TreesBar,
    layout: Layout,
    /// The first failure to print a line. The sweep continues nevertheless.
    printed: Result<(), OutputError>,
}

impl<'a> Removing<'a> {
    /// For carrying out a plan. If the user was asked before, the question has already shown
    /// bounds.
    pub fn new(context: &'a Context<'a>, plan: &Plan, has_asked: bool) -> Self {
        let detail = match context.format {
            Format::Json => Detail::Full,
            Format::Table if context.console.quiet => Detail::None,
            Format::Table if has_asked => Detail::Bounds,
            Format::Table => Detail::Quick,
        };
        Self {
            context,
            detail,
            measuring: Some(Measuring::new(context)),
            bar: TreesBar::new(context.console),
            layout: Layout::new(plan, context.console.width(), false),
            printed: Ok(()),
        }
    }

    /// Whether all lines could be printed.
    pub fn into_printed(self) -> Result<(), OutputError> {
        self.printed
    }
}

impl Reporter for Removing<'_> {
    fn stop(&self) -> StopFlag {
        self.context.signals.stop()
    }

    fn detail(&self) -> Detail {
        self.detail
    }

    fn measuring(&mut self, progress: &Progress) {
        if let Some(measuring) = &mut self.measuring {
            measuring.measuring(progress);
        }
    }

    fn removing(&mut self, progress: &Progress) {
        self.measuring = None;
        self.bar.show(progress);
    }

    fn removed(&mut self, decision: &Decision, result: &RemovalResult) {
        self.measuring = None;
        let printed = self.bar.aside(|| print(self.context, self.layout, decision, result));
        if self.printed.is_ok() {
            self.printed = printed;
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
