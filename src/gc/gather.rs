//! What the system knows of who needs what.

use jiff::Timestamp;

use crate::cache::{Cache, Inventory};
use crate::error::{Error, Result};
use crate::plan::{Activity, Evidence};

/// Looks at processes, leases, mounts and the births of everything in `inventory`. `now` is a time before `activity` was
/// looked at, so nothing that has happened meanwhile lies in the past.
///
/// Evidence that cannot be had is unknown, and what that was is among its problems. `activity` is when the extractions
/// were last worked on.
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
    evidence.problems = problems;
    evidence
}

/// What was found; `None` where the system does not tell, or the look has failed.
fn known<T>(found: Result<Option<T>>, problems: &mut Vec<Error>) -> Option<T> {
    found.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}
