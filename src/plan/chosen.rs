//! Images that the user has named, and nothing else.

use std::collections::HashSet;

use super::decide::{decide, decide_ref};
use super::{Conditions, Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{Digest, Entry, Inventory};

/// Removes the images `chosen`, with the refs that name them. What a process uses stays, and what was
/// used just now; and what is leased, unless it is to go `despite_lease`. If there are refs that cannot
/// be read, all stay.
///
/// ```
/// use std::collections::HashSet;
///
/// # use bbox_cache::cache::{Cache, Choice};
/// # use bbox_cache::jiff::{SignedDuration, Timestamp};
/// use bbox_cache::plan::{Conditions, remove_chosen};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # ["sha256-8432", "refs"].map(|name| std::fs::create_dir(home.path().join(name)).unwrap());
/// # std::fs::write(home.path().join("refs/0"), "ghcr.io/a/b:latest\tsha256:8432\n")?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// # let now = Timestamp::now() + SignedDuration::from_hours(1);
/// let inventory = cache.inventory()?;
/// let Choice::One(image) = inventory.find("ghcr.io/a/b:latest") else { return Ok(()) };
/// let plan = remove_chosen(&inventory, &HashSet::from([image]), false, &Conditions::at(now));
/// // The image, and the ref that names it.
/// assert_eq!(plan.removals().count(), 2);
/// # Ok(())
/// # }
/// ```
pub fn remove_chosen(
    inventory: &Inventory,
    chosen: &HashSet<Digest>,
    despite_lease: bool,
    given: &Conditions,
) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let images = inventory.images().filter(|(_, digest)| chosen.contains(digest));
    let images = images.map(|(entry, _)| {
        let verdict = verdict(entry, inventory, despite_lease, given);
        let users = given.users.of(&entry.location).to_vec();
        decide(Item::Entry(entry.clone()), verdict, &marks, users, &given.mounts)
    });
    let mut plan = Plan { decisions: images.collect() };
    let going =
        plan.removals().filter_map(|(_, image)| Some((image.item.image_name()?, image.verdict)));
    let refs =
        going.flat_map(|(name, verdict)| marks.of(name).iter().map(move |found| (found, verdict)));
    let refs: Vec<Decision> =
        refs.map(|(found, verdict)| decide_ref(found, verdict, &given.mounts)).collect();
    plan.decisions.extend(refs);
    plan
}

fn verdict(
    image: &Entry,
    inventory: &Inventory,
    despite_lease: bool,
    given: &Conditions,
) -> Verdict {
    let users = given.users.of(&image.location);
    let is_leased = given.leases.contains(&image.location.name) || !users.is_empty();
    if !inventory.refs.unreadable.is_empty() {
        Verdict::Keep(KeepReason::Unknown)
    } else if users.iter().any(|user| !user.holds_lease) {
        Verdict::Keep(KeepReason::InUse)
    } else if is_leased && !despite_lease {
        Verdict::Keep(KeepReason::Locked)
    } else if image.is_fresh(given.now) {
        Verdict::Keep(KeepReason::Recent)
    } else {
        Verdict::Remove(RemoveReason::Chosen { despite_lease })
    }
}
