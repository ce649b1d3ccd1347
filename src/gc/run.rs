//! A plan carried out, and how much that has freed.
//!
//! The sweep counts the bytes on disk that it removes. Where files can share data, not all of that comes back: then the
//! trees are measured before they go, and that says how much does. And the file system has a word of its own, which
//! includes its metadata and whatever others did meanwhile.

use bytesize::ByteSize;
use crossbeam_channel::unbounded;

use super::measure::measure_planned;
use super::reporter::Reporter;
use crate::cache::LockedCache;
use crate::error::{Error, Result};
use crate::jobs::{Jobs, watched};
use crate::plan::{Decision, Plan};
use crate::sweep::{Event, Outcome, RemovalResult, sweep};
use crate::usage::{Estimate, Measurement, Progress};

/// A collection that has come to its end.
#[derive(Debug)]
pub struct Done {
    plan: Plan,
    outcome: Outcome,
    /// Of what was to be removed, where files can share data.
    measurement: Option<Measurement>,
    /// Free bytes on the file system before and after.
    room: Option<(u64, u64)>,
    /// Why the file system could not be asked for its free bytes.
    problem: Option<Error>,
}

/// Carries out a plan that was made under this very lock.
///
/// # Errors
/// The threads cannot be started, the refs cannot be read, or the reporter had stopped it before it began: then nothing
/// was removed. What goes wrong with a single item is in its [`RemovalResult`].
pub fn run(
    cache: &LockedCache,
    mut plan: Plan,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Done> {
    let is_idle = plan.removals().next().is_none();
    let measurement = if !is_idle && cache.can_share_data()? {
        Some(measure_planned(cache, &plan, &plan.to_remove(), jobs, reporter)?)
    } else {
        None
    };
    let before = if is_idle { None } else { Some(cache.free_bytes()) };
    let outcome = sweep_watched(cache, &mut plan, jobs, reporter)?;
    let room = before.map(|before| Ok((before?, cache.free_bytes()?))).transpose();
    let (room, problem) = match room {
        Ok(room) => (room, None),
        Err(problem) => (None, Some(problem)),
    };
    Ok(Done { plan, outcome, measurement, room, problem })
}

fn sweep_watched(
    cache: &LockedCache,
    plan: &mut Plan,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Outcome> {
    let stop = reporter.stop();
    let progress = Progress::for_items(plan.locations(), stop.clone());
    let (sender, events) = unbounded();
    let swept: &Plan = plan;
    let tell = |reporter: &mut dyn Reporter| {
        events.try_iter().for_each(|Event { location, result, .. }| {
            let decision = swept.get(&location);
            decision.into_iter().for_each(|decision| reporter.removed(decision, &result));
        });
    };
    let work = || sweep(cache, swept, jobs, &progress, &sender);
    let outcome = watched(&stop, work, || {
        tell(reporter);
        reporter.removing(&progress);
    })?;
    tell(reporter);
    for (location, counters) in progress.iter() {
        if let Some(RemovalResult::Removed { .. }) = outcome.get(location) {
            plan.note_removed(location, counters.usage());
        }
    }
    Ok(outcome)
}

impl Done {
    /// The plan, with the size of what has been removed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What came of a decision; `None` if nothing was to be done.
    pub fn result(&self, decision: &Decision) -> Option<&RemovalResult> {
        self.outcome.get(decision.item.location())
    }

    /// Why the collection ended before it had tried everything, or why the file system was not asked for its word.
    pub fn problems(&self) -> (Option<&Error>, Option<&Error>) {
        (self.outcome.failure(), self.problem.as_ref())
    }

    /// How much came back of what is gone by now.
    pub fn freed(&self) -> Estimate {
        let (mut gone, mut whole, mut parts) = (Vec::new(), ByteSize::b(0), ByteSize::b(0));
        for decision in self.plan.removals() {
            match self.result(decision) {
                Some(RemovalResult::Removed { freed }) => {
                    gone.push(decision.item.location());
                    whole += *freed;
                }
                Some(result) => parts += result.freed(),
                None => {}
            }
        }
        match &self.measurement {
            None => Estimate::exactly(whole + parts),
            Some(measurement) => measurement.reclaimable(gone).capped(whole).or_up_to(parts),
        }
    }

    /// What the file system says has come back; less than nothing if others have taken more meanwhile.
    pub fn freed_by_file_system(&self) -> Option<i64> {
        let (before, after) = self.room?;
        Some(after.wrapping_sub(before).cast_signed())
    }
}
