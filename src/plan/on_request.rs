//! Removal on request: of given images, or of the whole cache.

use std::collections::HashSet;

use jiff::SignedDuration;

use super::decision::{Decision, Item, decide, decide_ref, ref_item};
use super::decisions::Plan;
use super::evidence::Evidence;
use super::identity::Identity;
use super::older_build::Builds;
use super::reachability::Reachability;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::unreplaced::builds;
use crate::cache::{Digest, Entry, Inventory, RefIndex};

/// How long after its last use an image is kept even if the user asked to remove it.
const JUST_USED: SignedDuration = SignedDuration::from_secs(2);

/// Plans the removal of the images `chosen` and of the refs that point at them. An image is kept if
/// it is in use, was used within the last two seconds, or is leased (unless `despite_lease`). If
/// any ref is unreadable, all images are kept.
///
/// ```
/// use std::collections::HashSet;
///
/// # use bbox_cache::cache::{Cache, Lookup};
/// # use bbox_cache::jiff::{SignedDuration, Timestamp};
/// use bbox_cache::plan::{self, Evidence};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # ["sha256-8432", "refs"].map(|name| std::fs::create_dir(home.path().join(name)).unwrap());
/// # std::fs::write(home.path().join("refs/0"), "ghcr.io/a/b:latest\tsha256:8432\n")?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// # let mut evidence = Evidence::at(Timestamp::now() + SignedDuration::from_hours(1));
/// # (evidence.in_use, evidence.mounts) = (cache.users()?, cache.mounts()?);
/// let inventory = cache.inventory()?;
/// let Lookup::One(image) = inventory.find("ghcr.io/a/b:latest") else { return Ok(()) };
/// let plan = plan::rm(&inventory, &HashSet::from([image]), false, &evidence);
/// // The image and its ref.
/// assert_eq!(plan.removals().count(), 2);
/// # Ok(())
/// # }
/// ```
pub fn rm(
    inventory: &Inventory,
    chosen: &HashSet<Digest>,
    despite_lease: bool,
    evidence: &Evidence,
) -> Plan {
    let reachability = Reachability::new(&inventory.refs.refs);
    let builds = builds(inventory, evidence);
    let images = inventory.images().filter(|(_, digest)| chosen.contains(digest));
    let images = images.map(|(entry, _)| {
        let verdict = verdict(entry, inventory, despite_lease, evidence);
        let users = evidence.users(&entry.location).to_vec();
        let image = decide(Item::Entry(entry.clone()), verdict, &reachability, users, evidence);
        identified(image, &builds, &reachability, evidence)
    });
    let images: Vec<_> = images.collect();
    let going = images.iter().filter(|image| image.verdict.removes());
    let going = going.filter_map(|image| Some((image.item.image_name()?, image.verdict)));
    let refs = going.flat_map(|(name, verdict)| {
        reachability.get(name).iter().map(move |found| (found, verdict))
    });
    let refs = refs.map(|(found, verdict)| decide_ref(found, verdict, evidence)).collect();
    Plan::new([images, refs].concat()).on_request()
}

fn verdict(
    image: &Entry,
    inventory: &Inventory,
    despite_lease: bool,
    evidence: &Evidence,
) -> Verdict {
    let users = evidence.users(&image.location);
    let is_leased = evidence.leases.contains(&image.location.name) || !users.is_empty();
    if !inventory.refs.unreadable.is_empty() {
        Verdict::Keep(KeepReason::Unknown)
    } else if users.iter().any(|user| !user.holds_lease) {
        Verdict::Keep(KeepReason::InUse)
    } else if is_leased && !despite_lease {
        Verdict::Keep(KeepReason::Leased)
    } else if is_just_used(image, evidence) {
        Verdict::Keep(KeepReason::Recent)
    } else if evidence.in_use.is_none() {
        Verdict::Keep(KeepReason::Unknown)
    } else {
        Verdict::Remove(RemoveReason::Chosen { despite_lease })
    }
}

/// Whether a pull may be working with a chosen image: it marks the image, and writes its reference
/// a moment later.
fn is_just_used(image: &Entry, evidence: &Evidence) -> bool {
    evidence.now.duration_since(image.last_used).abs() < JUST_USED
}

/// Plans the removal of everything, even of images in use: the caller must have warned about those.
/// An entry with a mount inside is kept, because the mounted files are not part of the cache. The
/// sweep leaves the folders; [`remove_folders`](crate::sweep::remove_folders) removes them.
pub fn purge(inventory: &Inventory, evidence: &Evidence) -> Plan {
    let reachability = Reachability::new(&inventory.refs.refs);
    let verdict = Verdict::Remove(RemoveReason::Purge);
    let decide = |item: Item, verdict| {
        let users = evidence.users(item.location()).to_vec();
        decide(item, verdict, &reachability, users, evidence)
    };
    let entries = inventory.entries.iter().cloned().map(Item::Entry);
    let builds = builds(inventory, evidence);
    let entries =
        entries.map(|item| identified(decide(item, verdict), &builds, &reachability, evidence));
    let entries: Vec<_> = entries.collect();
    let refused = entries.iter().filter(|decision| decision.refusal.is_some());
    let refused: HashSet<_> = refused.filter_map(|decision| decision.item.image_name()).collect();
    let refs = ref_items(&inventory.refs).map(|item| {
        // An image that is kept keeps its refs.
        let stays = item.digest().is_some_and(|digest| refused.contains(digest.entry_name()));
        let verdict = if stays { Verdict::Keep(KeepReason::Unremovable) } else { verdict };
        decide(item, verdict)
    });
    let refs: Vec<_> = refs.collect();
    Plan::new([entries, refs].concat())
}

/// Adds a guess at what an orphan was.
fn identified(
    image: Decision,
    builds: &Builds<'_>,
    reachability: &Reachability<'_>,
    evidence: &Evidence,
) -> Decision {
    let is_orphan = image.item.is_image_in_place() && image.refs.is_empty();
    let location = image.item.location();
    let identity = is_orphan.then(|| Identity::new(location, builds, reachability, evidence));
    Decision { identity: identity.flatten(), ..image }
}

/// All files in `refs`, valid or not.
fn ref_items(index: &RefIndex) -> impl Iterator<Item = Item> + '_ {
    let valid = index.refs.iter().map(|found| (&found.file, Some(&found.digest)));
    let invalid = index.invalid.iter().map(|found| (&found.file, None));
    let unreadable = index.unreadable.iter().filter_map(|found| Some((found.file.as_ref()?, None)));
    valid.chain(invalid).chain(unreadable).map(|(file, digest)| ref_item(file, digest))
}
