//! Collects the evidence for a plan from the system.

use jiff::Timestamp;

use super::reporter::Reporter;
use crate::cache::{Cache, Inventory};
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::plan::{Activity, Evidence, Reachability};
use crate::usage::Meter;

/// Collects evidence about everything in `inventory`: processes, leases, mounts, owners and birth
/// times, and the programs in the images if there is an orphan. `now` must be a time before
/// `activity` was collected, so that later changes count as in the future.
///
/// Evidence that cannot be had stays unknown. The reasons are in [`Evidence::problems`].
pub fn gather(
    cache: &Cache,
    inventory: &Inventory,
    now: Timestamp,
    activity: Activity,
) -> Evidence {
    let mut evidence = Evidence::at(now);
    evidence.activity = activity;
    evidence.lifetimes = cache.lifetimes(inventory);
    evidence.leases = cache.leases(inventory.images().map(|(image, _)| &image.location.name));
    let mut problems = Vec::new();
    evidence.in_use = known(cache.users(), &mut problems);
    evidence.mounts = known(cache.mounts(), &mut problems);
    evidence.disk = known(cache.disk().map(Some), &mut problems);
    if let Some(mounts) = evidence.mounts.as_ref().filter(|_| has_orphans(inventory)) {
        evidence.programs = cache.programs(inventory, mounts);
    }
    evidence.refusals = cache.refusals(inventory, evidence.mounts.as_ref());
    evidence.problems = problems;
    evidence
}

fn has_orphans(inventory: &Inventory) -> bool {
    let reachability = Reachability::new(&inventory.refs.refs);
    inventory.images().any(|(image, _)| !reachability.contains(&image.location.name))
}

/// Collects evidence for a collection that may remove extractions: walks them to find their last
/// change.
///
/// # Errors
/// Fails if the threads cannot be started, or the reporter stopped the walk.
pub(super) fn gather_all(
    cache: &Cache,
    inventory: &Inventory,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Evidence> {
    let now = Timestamp::now();
    let extractions = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let extractions: Vec<_> = extractions.map(|entry| entry.location.clone()).collect();
    let stop = reporter.stop();
    let mut watch = |progress: &_| reporter.measuring(progress);
    let found = Meter::new(jobs).measure(cache, &extractions, &stop, &mut watch)?;
    let changes = extractions.into_iter().map(|at| (at.clone(), found.newest_change(&at)));
    let activity = Activity::new(&changes.collect::<Vec<_>>());
    let mut evidence = gather(cache, inventory, now, activity);
    evidence.problems.extend(found.into_problems());
    Ok(evidence)
}

/// What was found; `None` if the system does not tell, or the attempt failed.
fn known<T>(found: Result<Option<T>>, problems: &mut Vec<Error>) -> Option<T> {
    found.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}
