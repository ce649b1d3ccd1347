//! A sweep from its first step to its last.
//!
//! On a full disk, some entries cannot be renamed. They get another round once something has been
//! deleted. Those that cannot be renamed even then are removed in place, if the user allowed that.

use crossbeam_channel::Sender;

use super::obstacle::Obstacle;
use super::outcome::{Event, Outcome, Report};
use super::remove::remove;
use super::step::STEPS;
use super::trash::{HiddenEntry, Round, Trash};
use crate::cache::LockedCache;
use crate::error::{Error, Result};
use crate::fs::Budget;
use crate::jobs::Jobs;
use crate::plan::{Item, Plan};
use crate::usage::{MOST_OPENED, Progress, Surveys};

/// Carries out `plan`, and sends an event when a removal ends. `progress` has counters for each
/// decision of the plan; they grow while files are removed. The caller need not receive the events:
/// the outcome contains all results.
///
/// The lock ensures that no other process collects this cache. Take it before making the inventory
/// for the plan. Otherwise, removals by another collection show up as
/// [`RemovalResult::Gone`](super::RemovalResult::Gone).
///
/// # Errors
/// Fails if the threads cannot be started, the refs are unreadable, or the job was stopped before
/// it began. Then nothing was removed. A problem with a single item is in its
/// [`RemovalResult`](super::RemovalResult).
///
/// # Panics
/// Panics if `progress` was made for fewer trees than the plan has decisions.
///
/// ```
/// use bbox_cache::{Jobs, StopFlag};
/// use bbox_cache::cache::{Cache, Patience};
/// use bbox_cache::crossbeam_channel::unbounded;
/// use bbox_cache::gc;
/// use bbox_cache::jiff::Timestamp;
/// use bbox_cache::plan::{self, Activity, GcOptions};
/// use bbox_cache::sweep::{RemovalResult, sweep};
/// use bbox_cache::usage::Progress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::{Duration, SystemTime};
/// # let home = tempfile::tempdir()?;
/// # let image = home.path().join("sha256-9803");
/// # std::fs::create_dir(&image)?;
/// # std::fs::write(image.join("file"), [1; 5000])?;
/// # std::fs::write(image.join(".oci-config.json"), "{}")?;
/// # std::fs::File::open(&image)?.set_modified(SystemTime::now() - Duration::from_secs(3600))?;
/// # let directory = home.path();
/// let stop = StopFlag::new();
/// let found = Cache::open_locked(directory, &stop, |_| Patience::Wait)?;
/// let Some(cache) = found else { return Ok(()) };
/// let inventory = cache.inventory()?;
/// let evidence = gc::gather(&cache, &inventory, Timestamp::now(), Activity::default());
/// let plan = plan::gc(&inventory, &GcOptions::default(), &evidence);
/// let progress = Progress::for_items(plan.locations(), stop);
/// let (events, _) = unbounded();
/// let outcome = sweep(&cache, &plan, Jobs::default(), &progress, &events)?;
/// for decision in plan.removals() {
///     let result = outcome.get(decision.item.location());
///     assert!(matches!(result, Some(RemovalResult::Removed { .. })));
/// }
/// # assert!(!image.exists());
/// # Ok(())
/// # }
/// ```
pub fn sweep(
    cache: &LockedCache,
    plan: &Plan,
    jobs: Jobs,
    progress: &Progress,
    events: &Sender<Event>,
) -> Result<Outcome> {
    sweep_and_count(cache, plan, jobs, progress, events, &Surveys::default())
}

/// The same as [`sweep`], with accounts of the shared data in the trees that it removes.
pub(crate) fn sweep_and_count(
    cache: &LockedCache,
    plan: &Plan,
    jobs: Jobs,
    progress: &Progress,
    events: &Sender<Event>,
    surveys: &Surveys<'_>,
) -> Result<Outcome> {
    if progress.stop().is_raised() {
        return Err(Error::Interrupted);
    }
    let files = if surveys.is_empty() { 0 } else { MOST_OPENED };
    let budget = Budget::new(jobs.get(), files);
    let report = Report::on_plan(plan, events);
    let trash = Trash::new(cache, plan, &report);
    let take = |decisions: Vec<usize>, in_place: bool| -> Result<(usize, Waiting)> {
        let mut round = Round { waiting: decisions, in_place, ..Round::default() };
        for step in STEPS {
            if progress.stop().is_raised() {
                trash.abandon(&round);
                return Ok((0, Vec::new()));
            }
            round = trash.take(step, round)?;
        }
        // While an image is removed in place, no reference may point at half of it: so remove refs
        // first.
        let is_ref = |entry: &HiddenEntry| matches!(trash.decision(entry).item, Item::Ref { .. });
        let (refs, entries): (Vec<_>, Vec<_>) = round.to_remove.into_iter().partition(is_ref);
        // A ref is a single file: more threads than refs would start for nothing.
        let few = Budget::new(jobs.get().min(refs.len()), 0);
        for (entries, budget) in [(&refs, &few), (&entries, &budget)] {
            remove(entries, progress, budget, &report, surveys);
        }
        Ok((refs.len() + entries.len(), round.not_renamed))
    };
    let hide = |decisions| take(decisions, false);
    let (mut waiting, mut failure) = in_rounds(plan.changed_places(), hide)?;
    if plan.goes_in_place() && failure.is_none() && !waiting.is_empty() {
        let left = waiting.iter().map(|(index, _)| *index).collect();
        failure = take(left, true).err();
    }
    waiting.retain(|(index, _)| !report.is_settled(*index));
    trash.give_up_all(&waiting);
    Ok(report.into_outcome(failure))
}

/// Entries that the file system cannot rename, each with the cause.
type Waiting = Vec<(usize, Obstacle)>;

/// Repeats rounds while they make progress. On a full disk there may be no room for a new name;
/// deleting what could be hidden makes room for the rest. A round returns the number of deleted
/// entries. Returns the entries left, and why a later round failed, if one did: by then, much has
/// been removed and must be reported.
fn in_rounds(
    decisions: Vec<usize>,
    round: impl Fn(Vec<usize>) -> Result<(usize, Waiting)>,
) -> Result<(Waiting, Option<Error>)> {
    let (mut removed, mut waiting) = round(decisions)?;
    while removed > 0 && !waiting.is_empty() {
        match round(waiting.iter().map(|(index, _)| *index).collect()) {
            Ok(next) => (removed, waiting) = next,
            Err(error) => return Ok((waiting, Some(error))),
        }
    }
    Ok((waiting, None))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use rustix::io::Errno;

    use super::*;

    /// For each round, the number of removed entries and those without room; `None` for a round
    /// that fails.
    type Script = &'static [Option<(usize, &'static [usize])>];

    #[test]
    fn entries_without_room_are_retried_as_long_as_others_are_removed() {
        let cases: [(Script, &[usize], bool); 6] = [
            (&[Some((5, &[]))], &[], false),
            (&[Some((0, &[1]))], &[1], false),
            (&[Some((2, &[3])), Some((0, &[3]))], &[3], false),
            (&[Some((1, &[2, 3])), Some((1, &[3])), Some((1, &[]))], &[], false),
            (&[Some((0, &[]))], &[], false),
            (&[Some((1, &[2])), None], &[2], true),
        ];
        for (script, left, has_failed) in cases {
            let asked = RefCell::new(vec![vec![1, 2, 3]]);
            let (waiting, failure) = in_rounds(vec![1, 2, 3], |decisions| {
                let number = asked.borrow().len() - 1;
                assert_eq!(asked.borrow()[number], decisions, "the entries left by the last round");
                let (removed, left) = script[number].ok_or(Error::Interrupted)?;
                asked.borrow_mut().push(left.to_vec());
                let obstacle = Obstacle { operation: "rename", cause: Errno::NOSPC };
                Ok((removed, left.iter().map(|&index| (index, obstacle)).collect()))
            })
            .unwrap();
            let waiting: Vec<_> = waiting.iter().map(|(index, _)| *index).collect();
            assert_eq!((waiting, failure.is_some()), (left.to_vec(), has_failed), "{script:?}");
            let rounds = script.iter().filter(|round| round.is_some()).count();
            assert_eq!(asked.borrow().len() - 1, rounds, "{script:?}");
        }
        assert!(in_rounds(vec![1], |_| Err(Error::Interrupted)).is_err(), "nothing was removed");
    }
}
