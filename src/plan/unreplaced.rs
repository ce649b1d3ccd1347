//! Orphans that may still be wanted.
//!
//! The owner of the cache drops the reference of an image in daily use and writes it back late or
//! never. A replaced image looks different: a newer build of the same program was pulled after its
//! last use. So an orphan is kept unless one of the remaining images is proven to be such a build.
//! This lasts as long as the owner itself would keep the orphan: a week after its last use.

use std::cmp::Reverse;
use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::evidence::Evidence;
use super::older_build::Builds;
use super::tokens::Build;
use crate::cache::{Entry, Inventory, Location};

/// How long after its last use the owner keeps an image.
pub(super) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All images as builds of programs.
pub(super) fn builds<'a>(inventory: &'a Inventory, evidence: &'a Evidence) -> Builds<'a> {
    Builds::new(inventory.images().map(|(image, _)| Build {
        location: &image.location,
        program: evidence.programs.get(&image.location),
        born: evidence.lifetimes.pulled(&image.location),
        last_used: image.last_used,
    }))
}

/// The `orphans` that nothing has replaced; `staying` are the images that are kept anyway.
pub(super) fn unreplaced<'a>(
    mut orphans: Vec<&'a Entry>,
    mut staying: HashSet<&'a Location>,
    builds: &Builds<'_>,
    evidence: &Evidence,
) -> HashSet<&'a Location> {
    // A replacement is used later than the image it replaces, so this order decides about it first.
    orphans.sort_by_key(|image| (Reverse(image.last_used), &image.location));
    let mut unreplaced = HashSet::new();
    for image in orphans {
        let location = &image.location;
        let is_replaced =
            || builds.replacement(location, |other| staying.contains(other)).is_some();
        if is_kept_by_owner(image.last_used, evidence.now)
            && tells_something(location, evidence)
            && !is_replaced()
        {
            staying.insert(location);
            unreplaced.insert(location);
        }
    }
    unreplaced
}

fn is_kept_by_owner(last_used: Timestamp, now: Timestamp) -> bool {
    now.duration_since(last_used) < WEEK
}

/// Whether its tokens can identify its program. An image that could not be read counts as
/// identifiable.
fn tells_something(image: &Location, evidence: &Evidence) -> bool {
    evidence.programs.get(image).is_none_or(|program| !program.tells_nothing())
}
