//! From an inventory to a plan.

use std::collections::HashSet;

use super::decide::decide;
use super::index::decide_refs;
use super::{
    Conditions, Decision, Item, KeepReason, Marks, Plan, RemoveReason, Timeline, Verdict, layers,
};
use crate::cache::{Digest, Entry, EntryKind, Inventory, Leftover, Location, User};

/// What a collection removes: images that no ref names and nobody needs, extractions that nobody
/// works on any more, refs whose image is gone, and what an interrupted collection left. Strangers
/// have no place in the plan. Images that have arrived just now stay, and if there are refs that
/// cannot be read, all images stay: those might name any of them. If the user wants that, images go
/// although refs name them, and those refs with them.
///
/// ```
/// # use bbox_cache::cache::Cache;
/// use bbox_cache::jiff::{SignedDuration, Timestamp};
/// use bbox_cache::plan::{Conditions, KeepReason, RemoveReason, Verdict, collect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let names = ["sha256-8432", "sha256-9803", "refs"];
/// # names.map(|name| std::fs::create_dir(home.path().join(name)).unwrap());
/// # std::fs::write(home.path().join("refs/0"), "ghcr.io/a/b:latest\tsha256:8432\n")?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// // Two images, the second of which no ref names, a minute after they were used.
/// let now = Timestamp::now() + SignedDuration::from_mins(1);
/// let plan = collect(&cache.inventory()?, &Conditions::at(now));
/// let verdicts: Vec<_> = plan.decisions.iter().map(|decision| decision.verdict).collect();
/// let expected =
///     [Verdict::Keep(KeepReason::Referenced), Verdict::Remove(RemoveReason::Orphan)];
/// assert_eq!(verdicts, expected);
/// # Ok(())
/// # }
/// ```
pub fn collect(inventory: &Inventory, given: &Conditions) -> Plan {
    let in_place = inventory.images().map(|(_, digest)| digest).collect();
    let marks = Marks::new(&inventory.refs.refs);
    let own = inventory.refs.refs.iter().filter(|found| found.former_file().is_none());
    let mut policy = Collection { inventory, given, marks, own: Marks::new(own), in_place };
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Stranger);
    let is_layer = |entry: &&Entry| matches!(entry.kind, EntryKind::Layer(_));
    let (layers, others): (Vec<_>, Vec<_>) = entries.partition(is_layer);
    let others = others.into_iter().map(|entry| {
        let verdict = policy.verdict(entry);
        let users = policy.users(entry);
        decide(Item::Entry(entry.clone()), verdict, &policy.marks, users, &given.mounts)
    });
    let mut plan = Plan { decisions: others.collect() };
    let layers = decide_layers(&layers, &plan, inventory, given);
    plan.decisions.extend(layers);
    let refs = decide_refs(inventory, &plan, given);
    plan.decisions.extend(refs);
    plan
}

/// Which layers are needed follows from what `plan` says of everything else.
fn decide_layers(
    layers: &[&Entry],
    plan: &Plan,
    inventory: &Inventory,
    given: &Conditions,
) -> Vec<Decision> {
    let timeline = Timeline::new(inventory, &given.lifetimes);
    let staying: HashSet<_> = plan.staying_rootfs().map(|entry| &entry.location).collect();
    let pulls = plan.staying_rootfs().filter(|entry| entry.is_extraction());
    let pulls: Vec<_> = pulls.map(|entry| &entry.location).collect();
    let decide_layer = |layer: &&Entry| {
        let standing = timeline.standing(layer, |image| staying.contains(image));
        let users = given.users.of(&layer.location).to_vec();
        let is_pulled = layers::is_pulled(&standing, &pulls);
        let verdict = layers::verdict(&standing, given.layers, !users.is_empty(), is_pulled);
        let item = Item::Entry((*layer).clone());
        let decision = decide(item, verdict, &Marks::new(&[]), users, &given.mounts);
        Decision { standing: Some(standing), ..decision }
    };
    layers.iter().map(decide_layer).collect()
}

struct Collection<'a> {
    inventory: &'a Inventory,
    given: &'a Conditions,
    marks: Marks<'a>,
    /// Without the refs that an interrupted collection had hidden: those went with their images.
    own: Marks<'a>,
    /// The images that lie under their own names, or will.
    in_place: HashSet<&'a Digest>,
}

impl<'a> Collection<'a> {
    fn verdict(&mut self, entry: &'a Entry) -> Verdict {
        match &entry.kind {
            EntryKind::Image(digest) => self.image(entry, digest),
            EntryKind::Leftover(Leftover::Hidden(digest)) => self.hidden(entry, digest),
            EntryKind::Leftover(Leftover::Dead) => Verdict::Remove(RemoveReason::InterruptedGc),
            EntryKind::Leftover(Leftover::Extraction) => self.extraction(entry),
            // Layers come after everything else, strangers never.
            EntryKind::Layer(_) | EntryKind::Stranger => Verdict::Keep(KeepReason::Unknown),
        }
    }

    fn image(&self, entry: &Entry, digest: &Digest) -> Verdict {
        let reason = match self.marks.contains(digest.entry_name()) {
            true => self.given.outweighing(entry),
            false => Some(RemoveReason::Orphan),
        };
        match (reason, self.needed(entry)) {
            (None, _) => Verdict::Keep(KeepReason::Referenced),
            (_, Some(why)) => Verdict::Keep(why),
            _ if self.given.is_recent(entry) => Verdict::Keep(KeepReason::Recent),
            (Some(reason), None) => Verdict::Remove(reason),
        }
    }

    fn extraction(&self, entry: &Entry) -> Verdict {
        if !self.users(entry).is_empty() {
            Verdict::Keep(KeepReason::InUse)
        } else if self.given.is_abandoned(&entry.location) {
            Verdict::Remove(RemoveReason::AbandonedTemp)
        } else if self.given.activity.of(&entry.location).is_some() {
            Verdict::Keep(KeepReason::Recent)
        } else {
            Verdict::Keep(KeepReason::Unknown)
        }
    }

    /// What is needed comes back, unless another copy is in its place by then.
    fn hidden(&mut self, entry: &Entry, digest: &'a Digest) -> Verdict {
        let is_used = !self.given.users.of(&entry.location).is_empty();
        let reason = match self.own.contains(digest.entry_name()) {
            true => Some(KeepReason::Referenced),
            false => self.needed(entry),
        };
        let kept = self.given.is_kept(entry).then_some(KeepReason::Recent);
        match reason.or(kept) {
            Some(KeepReason::Unknown) => Verdict::Keep(KeepReason::Unknown),
            Some(reason) if self.in_place.insert(digest) => Verdict::Restore(reason),
            _ if is_used => Verdict::Keep(KeepReason::InUse),
            _ => Verdict::Remove(RemoveReason::InterruptedGc),
        }
    }

    /// Why a whole image stays although no ref that can be read names it.
    fn needed(&self, entry: &Entry) -> Option<KeepReason> {
        if !self.inventory.refs.unreadable.is_empty() {
            Some(KeepReason::Unknown)
        } else if self.given.leases.contains(&entry.location.name) {
            Some(KeepReason::Locked)
        } else if !self.users(entry).is_empty() {
            Some(KeepReason::InUse)
        } else {
            None
        }
    }

    /// Who uses an entry. Who was told the name of an image does not learn that it was hidden.
    fn users(&self, entry: &Entry) -> Vec<User> {
        let mut users = self.given.users.of(&entry.location).to_vec();
        if let EntryKind::Leftover(Leftover::Hidden(digest)) = &entry.kind
            && !self.inventory.images().any(|(_, image)| image == digest)
        {
            let name = digest.entry_name().clone();
            users.extend_from_slice(self.given.users.of(&Location { name, ..entry.location }));
            users.sort();
            users.dedup();
        }
        users
    }
}
