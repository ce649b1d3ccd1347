//! What `gc` and `purge` have in common: lock, measure what is to_remove or remove it, and tell.

mod errand;
mod json;
mod lines;
mod progress;
mod question;
mod report;

use indicatif::HumanCount;

use super::context::Context;
use super::failure::Failure;
use crate::cache::{Cache, InUse, LockedCache, Patience, UsingProcess};
use crate::gc::{self, Draft};
use crate::plan::Plan;

pub use errand::Errand;
pub use lines::{Counts, label, mounted, unremovable, users as users_of};
pub use progress::Bars;
pub use question::{confirm, decline, refuse_changed};
pub use report::Report;

/// Opens the cache and waits for the right to change it. `None` if there is no cache.
pub fn open_locked(context: &Context<'_>, no_wait: bool) -> Result<Option<LockedCache>, Failure> {
    let console = context.console;
    let locked = Cache::open_locked(&context.cache_dir, &context.signals.stop(), |holder| {
        if no_wait {
            return Patience::GiveUp;
        }
        let holder = UsingProcess::describe(holder);
        console.note(format_args!("Waiting for {holder}, which collects this cache."));
        Patience::Wait
    })?;
    if locked.as_ref().is_some_and(|cache| !cache.is_lock_effective()) {
        console.warn(format_args!(
            "the file system of {} knows no locks: run one collection at a time",
            context.shown_dir()
        ));
    }
    Ok(locked)
}

/// Tells what there is to know of a draft before anything is removed: what could not be looked at, and whether that
/// includes the processes.
pub fn tell(context: &Context<'_>, draft: &Draft, report: &mut Report) {
    let problems = draft.inventory.problems.iter().chain(&draft.evidence.problems);
    report.problems.extend(problems.map(ToString::to_string));
    report.problems.extend(draft.plan.decisions().iter().filter_map(unremovable));
    if draft.evidence.in_use.is_none() && draft.evidence.problems.is_empty() {
        let warning = "this system does not tell which processes use what: images stay";
        report.warn(context, warning.to_owned());
    }
    tell_of_uninspected(context, draft);
}

/// How many processes could not be looked at, with `--verbose` and if that matters.
pub fn tell_of_uninspected(context: &Context<'_>, draft: &Draft) {
    let uninspected = draft.evidence.in_use.as_ref().map_or(0, InUse::uninspected);
    if context.console.verbose && uninspected > 0 && draft.plan.removals().next().is_some() {
        let processes = match uninspected {
            1 => "a process".to_owned(),
            number => format!("{} processes", HumanCount(number as u64)),
        };
        context.console.note(format_args!(
            "What {processes} of somebody else may use could not be inspected."
        ));
    }
}

/// Carries out a plan, prints a line for each removal as it ends, and notes what came of it.
pub fn carry_out(
    context: &Context<'_>,
    cache: &LockedCache,
    plan: Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut bars = Bars::of_removal(context, &plan);
    let done = gc::run(cache, plan, context.jobs, &mut bars)?;
    let printed = bars.into_printed();
    report.note_done(context, done, printed);
    Ok(())
}
