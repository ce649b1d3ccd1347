//! What `gc` and `purge` have in common: lock, measure what is doomed, remove it, and tell.

mod face;
mod json;
mod lines;
mod report;

use bytesize::ByteSize;

use super::context::Context;
use super::failure::{Ending, Failure};
use super::signals::Signals;
use super::ui::bars::{MeasureFace, watch};
use crate::cache::{Cache, CacheLock};
use crate::plan::Plan;
use crate::sweep::{Outcome, sweep};
use crate::usage::Progress;

pub use lines::Counts;
pub use report::Report;

/// Waits for the right to change the cache.
pub fn lock(context: &Context<'_>, cache: &Cache, signals: &Signals) -> Result<CacheLock, Failure> {
    let console = context.console;
    let lock = cache.lock(&signals.stop(), || {
        console.note("Another process is collecting this cache; waiting for it to end.");
    })?;
    if !lock.is_effective() {
        console.warn(format_args!(
            "the file system of {} knows no locks: run one collection at a time",
            context.shown_dir()
        ));
    }
    Ok(lock)
}

/// Measures what `plan` wants removed, and notes it there. Returns what removing all of it gives
/// back; `None` if a signal came.
pub fn measure(
    context: &Context<'_>,
    cache: &Cache,
    plan: &mut Plan,
    signals: &Signals,
) -> Result<Option<ByteSize>, Failure> {
    let doomed = plan.doomed();
    if doomed.is_empty() {
        return Ok(Some(ByteSize::b(0)));
    }
    let progress = Progress::new(doomed.len(), signals.stop());
    let names = plan.removals().map(|(_, decision)| lines::label(decision)).collect();
    let meter = context.meter();
    let measurement = {
        let mut face = MeasureFace::new(context.console, &progress, names);
        watch(&mut face, |_events| meter.measure(cache, &doomed, &progress))?
    };
    plan.note_usage(&measurement);
    let reclaimable = measurement.reclaimable(0..doomed.len());
    Ok((!measurement.is_interrupted()).then_some(reclaimable))
}

/// Carries out `plan`, and prints a line for each removal as it ends.
pub fn carry_out(
    context: &Context<'_>,
    cache: &Cache,
    lock: &CacheLock,
    plan: &Plan,
    signals: &Signals,
) -> Result<Outcome, Failure> {
    let progress = Progress::new(plan.decisions.len(), signals.stop());
    let mut face = face::SweepFace::new(context, plan, &progress);
    let outcome = watch(&mut face, |events| {
        sweep(cache, lock, plan, context.removing_jobs(), &progress, &events)
    })?;
    face.into_result()?;
    Ok(outcome)
}

/// The ending of a run that was stopped before it had changed anything.
pub fn interrupted(context: &Context<'_>, signals: &Signals) -> Ending {
    context.console.note("Interrupted: nothing was removed.");
    Ending::Interrupted(signals.exit_code())
}
