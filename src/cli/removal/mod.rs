//! What `gc` and `purge` have in common: lock, measure what is doomed, remove it, and tell.

mod face;
mod json;
mod lines;
mod report;

use bytesize::ByteSize;

use super::context::Context;
use super::failure::Failure;
use super::ui::bars::{MeasureFace, watch};
use crate::cache::{Cache, CacheLock};
use crate::plan::Plan;
use crate::sweep::sweep;
use crate::usage::Progress;

pub use lines::Counts;
pub use report::Report;

/// Opens the cache and, unless it is only looked at, waits for the right to change it. `None` if
/// there is no cache.
pub fn open(
    context: &Context<'_>,
    dry_run: bool,
) -> Result<Option<(Cache, Option<CacheLock>)>, Failure> {
    if dry_run {
        return Ok(Cache::open(&context.cache_dir)?.map(|cache| (cache, None)));
    }
    let console = context.console;
    let locked = Cache::open_locked(&context.cache_dir, &context.signals.stop(), || {
        console.note("Another process is collecting this cache; waiting for it to end.");
    })?;
    let Some((cache, lock)) = locked else { return Ok(None) };
    if !lock.is_effective() {
        console.warn(format_args!(
            "the file system of {} knows no locks: run one collection at a time",
            context.shown_dir()
        ));
    }
    Ok(Some((cache, Some(lock))))
}

/// Measures what `plan` wants removed, and notes it there. Returns what removing all of it gives
/// back.
pub fn measure(context: &Context<'_>, cache: &Cache, plan: &mut Plan) -> Result<ByteSize, Failure> {
    let doomed = plan.doomed();
    if doomed.is_empty() {
        return Ok(ByteSize::b(0));
    }
    let progress = Progress::new(doomed.len(), context.signals.stop());
    let names = plan.removals().map(|(_, decision)| lines::label(decision)).collect();
    let meter = context.meter();
    let measurement = {
        let mut face = MeasureFace::new(context.console, &progress, names);
        watch(&mut face, |_events| meter.measure(cache, &doomed, &progress))?
    };
    plan.note_usage(&measurement);
    Ok(measurement.reclaimable(0..doomed.len()))
}

/// Carries out the plan of `report`, prints a line for each removal as it ends, and notes what came
/// of it.
pub fn carry_out(
    context: &Context<'_>,
    cache: &Cache,
    lock: &CacheLock,
    report: &mut Report,
) -> Result<(), Failure> {
    let plan = &report.plan;
    let progress = Progress::new(plan.decisions.len(), context.signals.stop());
    let mut face = face::SweepFace::new(context, plan, &progress);
    let outcome = watch(&mut face, |events| {
        sweep(cache, lock, plan, context.removing_jobs(), &progress, &events)
    })?;
    report.printed = face.into_result();
    report.outcome = Some(outcome);
    Ok(())
}
