//! Carries out a plan, and finds out how much space that frees.
//!
//! The sweep counts the bytes on disk that it removes. If files can share data, not all of these
//! become free. Then it checks what each file shares before it removes the file, which gives
//! bounds. The file system has its own figure, which includes its metadata and everything others
//! did meanwhile. Both take time, so each is only determined if it is shown.
//!
//! The check of a file happens after other files with the same data may have been removed. Anything
//! still shared is shared with a file that is still there; anything else is freed. So the bounds
//! are no wider than those measured beforehand.

use bytesize::ByteSize;
use crossbeam_channel::unbounded;
use jiff::{SignedDuration, Timestamp};

use super::reporter::{Detail, Reporter};
use crate::cache::{Disk, LockedCache};
use crate::error::{Error, Result};
use crate::fs::VolumeKind;
use crate::jobs::{Jobs, watched};
use crate::plan::{Decision, Plan};
use crate::sweep::{Event, Outcome, RemovalResult, sweep_and_count};
use crate::usage::{Estimate, Measurement, Meter, Progress, Surveys};

/// How far the timestamps of files may lag behind the clock: they advance in ticks.
const CLOCK_STEP: SignedDuration = SignedDuration::from_millis(100);

/// A finished collection.
#[derive(Debug)]
pub struct Done {
    plan: Plan,
    outcome: Outcome,
    /// Whether files can share data on this file system.
    shares: bool,
    /// What was removed, if files can share data.
    measurement: Option<Measurement>,
    /// The state of the file system before and after.
    room: Option<(Disk, Disk)>,
    /// Why the free space of the file system is unknown.
    problem: Option<Error>,
}

/// Carries out a plan that was made under this same lock.
///
/// # Errors
/// Fails if the threads cannot be started, the refs are unreadable, or the reporter stopped it
/// before it began. Then nothing was removed. A problem with a single item is in its
/// [`RemovalResult`].
pub fn run(
    cache: &LockedCache,
    mut plan: Plan,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Done> {
    let is_idle = plan.removals().next().is_none();
    let (detail, volume) = (reporter.detail(), cache.volume_kind()?);
    let has_target = plan.target().is_some();
    let before = match detail {
        _ if is_idle => None,
        _ if has_target => Some(cache.settled_disk()),
        Detail::None => None,
        Detail::Full => Some(cache.settled_disk()),
        Detail::Bounds | Detail::Quick => Some(cache.disk_before()),
    };
    let begin = Timestamp::now() - CLOCK_STEP;
    let to_remove = plan.to_remove();
    let progress = Progress::for_items(plan.locations(), reporter.stop());
    let mut sweep = |surveys: &Surveys<'_>| match plan.target() {
        Some(_) => sweep_until_available(cache, &mut plan, jobs, &progress, reporter),
        None => sweep_watched(cache, &plan, jobs, &progress, reporter, surveys),
    };
    let (measurement, outcome) = if !is_idle && !has_target && needs_bounds(detail, volume) {
        let meter = Meter::new(jobs).with_extents();
        let (found, outcome) = meter.survey(cache, &to_remove, sweep)?;
        (Some(found), outcome?)
    } else {
        (None, sweep(&Surveys::default())?)
    };
    note_removed(&mut plan, &outcome, &progress);
    let mut done =
        Done { plan, outcome, shares: volume.is_some(), measurement, room: None, problem: None };
    let room = done.find_holders(cache, jobs, begin, reporter).and_then(|()| {
        let is_open = done.measurement.is_none() || !done.freed().is_one_figure();
        let before = before.filter(|_| has_target || needs_word(detail, volume, is_open));
        before.map(|before| Ok((before?, cache.settled_disk()?))).transpose()
    });
    match room {
        Ok(room) => done.room = room,
        Err(problem) => done.problem = Some(problem),
    }
    Ok(done)
}

/// Whether to check what each file shares before removing it.
fn needs_bounds(detail: Detail, volume: Option<VolumeKind>) -> bool {
    match (detail, volume) {
        (_, None | Some(VolumeKind::Opaque)) => false,
        (Detail::None, _) | (Detail::Quick, Some(VolumeKind::Btrfs)) => false,
        (Detail::Full | Detail::Bounds | Detail::Quick, Some(_)) => true,
    }
}

/// Whether to ask the file system for its free space. If files cannot share data, it answers at
/// once; otherwise it has to write first.
fn needs_word(detail: Detail, volume: Option<VolumeKind>, is_open: bool) -> bool {
    match detail {
        Detail::Full => true,
        Detail::Bounds | Detail::Quick => is_open || volume.is_none(),
        Detail::None => false,
    }
}

/// Sweeps one part of a plan after another until the target is reached. Items that were not needed
/// for it are kept in the plan.
fn sweep_until_available(
    cache: &LockedCache,
    plan: &mut Plan,
    jobs: Jobs,
    progress: &Progress,
    reporter: &mut dyn Reporter,
) -> Result<Outcome> {
    let none = Surveys::default();
    let mut outcome = sweep_watched(cache, &plan.first_part(), jobs, progress, reporter, &none)?;
    let mut turns = 0;
    // From here on, report what has been removed, whatever happens.
    let failure = loop {
        let is_over = outcome.failure().is_some() || progress.stop().is_raised();
        let next = match cache.settled_disk() {
            _ if is_over => break None,
            Ok(disk) => plan.next_turns(turns, disk.available),
            Err(problem) => break Some(problem),
        };
        let Some(next) = next else { break None };
        turns = next.end;
        match sweep_watched(cache, &plan.later_part(next), jobs, progress, reporter, &none) {
            Ok(swept) => outcome.join(swept),
            Err(problem) => break Some(problem),
        }
    };
    if !progress.stop().is_raised() {
        *plan = plan.ending_after(turns);
    }
    Ok(failure.into_iter().fold(outcome, Outcome::with_failure))
}

/// Sweeps a plan. `progress` has counters for its decisions.
fn sweep_watched(
    cache: &LockedCache,
    plan: &Plan,
    jobs: Jobs,
    progress: &Progress,
    reporter: &mut dyn Reporter,
    surveys: &Surveys<'_>,
) -> Result<Outcome> {
    let (sender, events) = unbounded();
    let tell = |reporter: &mut dyn Reporter| {
        events.try_iter().for_each(|Event { location, result, .. }| {
            let decision = plan.get(&location);
            decision.into_iter().for_each(|decision| reporter.removed(decision, &result));
        });
    };
    let work = || sweep_and_count(cache, plan, jobs, progress, &sender, surveys);
    let outcome = watched(progress.stop(), work, || {
        tell(reporter);
        reporter.removing(progress);
    })?;
    tell(reporter);
    Ok(outcome)
}

fn note_removed(plan: &mut Plan, outcome: &Outcome, progress: &Progress) {
    for (location, counters) in progress.iter() {
        if let Some(RemovalResult::Removed { .. }) = outcome.get(location) {
            plan.note_removed(location, counters.usage());
        }
    }
}

impl Done {
    /// Finds other owners of data that only the removed trees seem to have used.
    fn find_holders(
        &mut self,
        cache: &LockedCache,
        jobs: Jobs,
        since: Timestamp,
        reporter: &mut dyn Reporter,
    ) -> Result<()> {
        let Some(found) = &mut self.measurement else { return Ok(()) };
        if reporter.stop().is_raised() {
            return Ok(());
        }
        let removed = self
            .plan
            .removals()
            .map(|decision| decision.item.location())
            .filter(|at| matches!(self.outcome.get(at), Some(RemovalResult::Removed { .. })));
        let others = self.plan.entries_besides(&removed.collect());
        let meter = Meter::new(jobs).with_extents();
        meter.find_holders_after(cache, found, &others, since, &reporter.stop())
    }

    /// The plan, with the sizes of the removed items.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The result of a decision; `None` if there was nothing to do.
    pub fn result(&self, decision: &Decision) -> Option<&RemovalResult> {
        self.outcome.get(decision.item.location())
    }

    /// Why the collection ended early, and why the free space of the file system is unknown.
    pub fn problems(&self) -> (Option<&Error>, Option<&Error>) {
        (self.outcome.failure(), self.problem.as_ref())
    }

    /// The space freed by the removals.
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
            None if self.shares => Estimate::default().or_up_to(whole + parts),
            None => Estimate::exactly(whole + parts),
            Some(measurement) => measurement.reclaimable(gone).capped(whole).or_up_to(parts),
        }
    }

    /// Whether [`Done::freed`] only counts what was removed, because it is unknown how much of that
    /// is shared.
    pub fn lacks_bounds(&self) -> bool {
        self.shares && self.measurement.is_none() && self.plan.removals().next().is_some()
    }

    /// Bytes available on the file system afterwards; `None` if that was not determined.
    pub fn available(&self) -> Option<ByteSize> {
        self.room.map(|(_, after)| after.available)
    }

    /// Bytes freed according to the file system: negative if others have used more meanwhile.
    /// `None` if that was not determined.
    pub fn freed_by_file_system(&self) -> Option<i64> {
        let (before, after) = self.room?;
        Some(after.free.as_u64().wrapping_sub(before.free.as_u64()).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_figures_that_are_shown_are_determined() {
        use Detail as D;
        use VolumeKind::{Btrfs, Opaque, Xfs};
        for (detail, volume, is_open, bounds, word) in [
            (D::Full, None, false, false, true),
            (D::Full, Some(Xfs), false, true, true),
            (D::Full, Some(Btrfs), false, true, true),
            (D::Bounds, None, true, false, true),
            (D::Bounds, Some(Xfs), false, true, false),
            (D::Bounds, Some(Btrfs), false, true, false),
            (D::Bounds, Some(Btrfs), true, true, true),
            (D::Quick, None, true, false, true),
            (D::Quick, Some(Xfs), false, true, false),
            (D::Quick, Some(Xfs), true, true, true),
            (D::Quick, Some(Btrfs), true, false, true),
            (D::Full, Some(Opaque), true, false, true),
            (D::Quick, Some(Opaque), true, false, true),
            (D::None, None, true, false, false),
            (D::None, Some(Xfs), true, false, false),
            (D::None, Some(Btrfs), true, false, false),
        ] {
            let found = (needs_bounds(detail, volume), needs_word(detail, volume, is_open));
            assert_eq!(found, (bounds, word), "{detail:?} {volume:?} {is_open}");
        }
    }
}
