//! What `gc` and `purge` have in common: lock, measure what is doomed or remove it, and tell.

mod agreement;
mod errand;
mod face;
mod freed;
mod json;
mod lines;
mod measure;
mod report;

use indicatif::HumanCount;
use jiff::Timestamp;

use super::context::Context;
use super::failure::Failure;
use super::ui::bars::watch;
use crate::cache::{Cache, Inventory, LockedCache, Patience, User, Users};
use crate::gc;
use crate::plan::{Evidence, Plan};
use crate::sweep::{RemovalResult, sweep};
use crate::usage::Progress;

pub use agreement::{confirm, decline, refuse_changed};
pub use errand::{Errand, readable_inventory};
pub use lines::{Counts, label, mounted, users as users_of};
pub use measure::doomed as measure;
pub use report::Report;

/// Opens the cache and waits for the right to change it. `None` if there is no cache.
pub fn open_locked(context: &Context<'_>, no_wait: bool) -> Result<Option<LockedCache>, Failure> {
    let console = context.console;
    let locked = Cache::open_locked(&context.cache_dir, &context.signals.stop(), |holder| {
        if no_wait {
            return Patience::GiveUp;
        }
        let holder = User::describe(holder);
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

/// What is known of who needs what. What could not be looked at is in the report.
pub fn evidence(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<Evidence, Failure> {
    let now = Timestamp::now();
    let activity = measure::activity(context, cache, inventory, report)?;
    let evidence = gc::gather(cache, inventory, now, activity);
    report.problems.extend(evidence.problems.iter().map(ToString::to_string));
    if evidence.in_use.is_none() && evidence.problems.is_empty() {
        let warning = "this system does not tell which processes use what: images stay";
        report.warn(context, warning.to_owned());
    }
    Ok(evidence)
}

/// How many processes could not be looked at, with `--verbose` and if that matters.
pub fn tell_of_uninspected(context: &Context<'_>, evidence: &Evidence, plan: &Plan) {
    let uninspected = evidence.in_use.as_ref().map_or(0, Users::uninspected);
    if context.console.verbose && uninspected > 0 && plan.removals().next().is_some() {
        let processes = match uninspected {
            1 => "a process".to_owned(),
            number => format!("{} processes", HumanCount(number as u64)),
        };
        context.console.note(format_args!(
            "What {processes} of somebody else may use could not be inspected."
        ));
    }
}

/// Carries out the plan of `report`, prints a line for each removal as it ends, and notes what came
/// of it.
pub fn carry_out(
    context: &Context<'_>,
    cache: &LockedCache,
    report: &mut Report,
) -> Result<(), Failure> {
    if report.plan.removals().next().is_none() {
        return sweep_watched(context, cache, report);
    }
    if cache.can_share_data()? {
        report.freed.measurement = Some(measure(context, cache, &report.plan)?);
    }
    let before = cache.free_bytes();
    sweep_watched(context, cache, report)?;
    match before.and_then(|before| Ok((before, cache.free_bytes()?))) {
        Ok(room) => report.freed.room = Some(room),
        Err(error) => report.warn(context, error.to_string()),
    }
    Ok(())
}

fn sweep_watched(
    context: &Context<'_>,
    cache: &LockedCache,
    report: &mut Report,
) -> Result<(), Failure> {
    let plan = &report.plan;
    let progress = Progress::for_items(plan.locations(), context.signals.stop());
    let mut face = face::SweepFace::new(context, plan, &progress);
    let outcome = watch(&mut face, |events| sweep(cache, plan, context.jobs, &progress, &events))??;
    report.printed = face.into_result();
    report.problems.extend(outcome.failure().map(ToString::to_string));
    for (location, counters) in progress.iter() {
        if let Some(RemovalResult::Removed { .. }) = outcome.get(location) {
            report.plan.note_removed(location, counters.usage());
        }
    }
    report.outcome = Some(outcome);
    Ok(())
}
