//! What the system knows of who needs what.

use jiff::Timestamp;

use super::reporter::Reporter;
use crate::cache::{Cache, Inventory};
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::plan::{Activity, Evidence, Reachability};
use crate::usage::Meter;

/// Looks at processes, leases, mounts, owners and the births of everything in `inventory`; if there is an orphan, also at the
/// programs that the images bring. `now` is a time before `activity` was
/// looked at, so nothing that has happened meanwhile lies in the past.
///
/// Evidence that cannot be had is unknown, and what that was is among its problems.
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

/// Gathers evidence for a collection that may remove extractions: walks them for the time of their last change.
///
/// # Errors
/// The threads cannot be started, or the reporter has stopped it.
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

/// What was found; `None` where the system does not tell, or the look has failed.
fn known<T>(found: Result<Option<T>>, problems: &mut Vec<Error>) -> Option<T> {
    found.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}
