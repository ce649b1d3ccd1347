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

use super::context::Context;
use super::failure::Failure;
use super::ui::bars::watch;
use crate::cache::{Cache, CacheLock, Patience, User, Users};
use crate::sweep::{Fate, sweep};
use crate::usage::Progress;

pub use agreement::{confirm, decline, refuse_changed};
pub use errand::{Errand, readable_inventory};
pub use lines::{Counts, label, mounted, users as users_of};
pub use measure::{activity, doomed as measure};
pub use report::Report;

/// Opens the cache and waits for the right to change it. `None` if there is no cache.
pub fn open_locked(
    context: &Context<'_>,
    no_wait: bool,
) -> Result<Option<(Cache, CacheLock)>, Failure> {
    let console = context.console;
    let locked = Cache::open_locked(&context.cache_dir, &context.signals.stop(), |holder| {
        if no_wait {
            return Patience::GiveUp;
        }
        let holder = User::describe(holder);
        console.note(format_args!("Waiting for {holder}, which collects this cache."));
        Patience::Wait
    })?;
    if locked.as_ref().is_some_and(|(_, lock)| !lock.is_effective()) {
        console.warn(format_args!(
            "the file system of {} knows no locks: run one collection at a time",
            context.shown_dir()
        ));
    }
    Ok(locked)
}

/// Looks who uses what. Where the system does not tell at all, the user is warned, and nobody is
/// taken to use anything.
pub fn users(context: &Context<'_>, cache: &Cache, report: &mut Report) -> Result<Users, Failure> {
    let Some(users) = cache.users()? else {
        let warning = "this system does not tell which processes use what: images in use go, too";
        report.warn(context, warning.to_owned());
        return Ok(Users::default());
    };
    if context.console.verbose && users.uninspected() > 0 {
        let processes = match users.uninspected() {
            1 => "a process".to_owned(),
            number => format!("{} processes", HumanCount(number as u64)),
        };
        context.console.note(format_args!(
            "What {processes} of somebody else may use could not be inspected."
        ));
    }
    Ok(users)
}

/// Carries out the plan of `report`, prints a line for each removal as it ends, and notes what came
/// of it.
pub fn carry_out(
    context: &Context<'_>,
    cache: &Cache,
    lock: &CacheLock,
    report: &mut Report,
) -> Result<(), Failure> {
    if report.plan.removals().next().is_none() {
        return sweep_watched(context, cache, lock, report);
    }
    if cache.can_share_data()? {
        report.freed.measurement = Some(measure(context, cache, &report.plan)?);
    }
    let before = cache.free_bytes();
    sweep_watched(context, cache, lock, report)?;
    match before.and_then(|before| Ok((before, cache.free_bytes()?))) {
        Ok(room) => report.freed.room = Some(room),
        Err(error) => report.warn(context, error.to_string()),
    }
    Ok(())
}

fn sweep_watched(
    context: &Context<'_>,
    cache: &Cache,
    lock: &CacheLock,
    report: &mut Report,
) -> Result<(), Failure> {
    let plan = &report.plan;
    let progress = Progress::for_items(plan.locations(), context.signals.stop());
    let mut face = face::SweepFace::new(context, plan, &progress);
    let outcome =
        watch(&mut face, |events| sweep(cache, lock, plan, context.jobs, &progress, &events))??;
    report.printed = face.into_result();
    report.problems.extend(outcome.failure().map(ToString::to_string));
    for (index, (_, counters)) in progress.iter().enumerate() {
        if let Some(Fate::Removed { .. }) = outcome.fate(index) {
            report.plan.decisions[index].usage = Some(counters.usage());
        }
    }
    report.outcome = Some(outcome);
    Ok(())
}
