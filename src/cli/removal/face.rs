//! A sweep as it is seen: a bar, and a line for each removal.

use super::lines::{self, Layout};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::ui::bars::{Face, TreesBar};
use crate::cli::ui::console::OutputError;
use crate::plan::Plan;
use crate::sweep::{Event, RemovalResult};
use crate::usage::Progress;

pub struct SweepFace<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    progress: &'a Progress,
    bar: TreesBar,
    /// How many removals have ended.
    ended: usize,
    layout: Layout,
    /// The first failure to print a line. The sweep goes on all the same.
    result: Result<(), OutputError>,
}

impl<'a> SweepFace<'a> {
    pub fn new(context: &'a Context<'a>, plan: &'a Plan, progress: &'a Progress) -> Self {
        let bar = TreesBar::new(context.console, plan.changes().count());
        let layout = Layout::new(plan, context.console.width(), false);
        Self { context, plan, progress, bar, ended: 0, layout, result: Ok(()) }
    }

    /// Whether all lines could be printed.
    pub fn into_result(self) -> Result<(), OutputError> {
        self.result
    }

    fn print(&self, event: &Event) -> Result<(), OutputError> {
        let console = self.context.console;
        let Some(decision) = self.plan.get(&event.location) else { return Ok(()) };
        if let RemovalResult::Failed { problems, .. } = &event.result {
            for line in lines::failures(decision, problems, console.verbose) {
                console.error(line);
            }
        }
        let is_shown = self.context.format == Format::Table && !console.quiet;
        match &event.result {
            RemovalResult::Removed { freed }
                if is_shown && lines::is_worth_a_line(decision, console.verbose) =>
            {
                console.line(self.layout.removed(decision, Some(*freed)))
            }
            RemovalResult::Kept { why } if is_shown => {
                console.line(self.layout.kept_after_all(decision, *why))
            }
            RemovalResult::Gone if is_shown => console.line(self.layout.gone(decision)),
            RemovalResult::Restored if is_shown => console.line(self.layout.restored(decision)),
            _ => Ok(()),
        }
    }
}

impl Face<Event> for SweepFace<'_> {
    fn event(&mut self, event: Event) {
        self.ended += 1;
        let printed = self.bar.aside(|| self.print(&event));
        if self.result.is_ok() {
            self.result = printed;
        }
    }

    fn tick(&mut self) {
        self.bar.show(self.progress, self.ended);
    }
}
