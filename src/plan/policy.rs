//! From an inventory to a plan.

use std::collections::HashSet;
use std::path::Path;

use super::{
    Conditions, Decision, Item, KeepReason, Marks, Plan, RemoveReason, Timeline, Verdict, dangling,
    layers,
};
use crate::cache::{
    Digest, Entry, EntryKind, EntryName, Folder, Inventory, Leftover, Location, Mounts, Ref,
    RefIndex, User, Users,
};

/// What a collection removes: images that no ref names and nobody needs, extractions that nobody
/// works on any more, refs whose image is gone, and what an interrupted collection left. Strangers
/// have no place in the plan. Images that have arrived just now stay, and if there are refs that
/// cannot be read, all images stay: those might name any of them.
pub fn collect(inventory: &Inventory, given: &Conditions) -> Plan {
    let in_place = inventory.images().map(|(_, digest)| digest).collect();
    let marks = Marks::new(&inventory.refs.refs);
    let mut policy = Collection { inventory, given, marks, in_place };
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
    plan.decisions.extend(dangling(inventory).map(|found| decide_dangling(found, given)));
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
        let standing = layers::standing(layer, &timeline, given, |image| staying.contains(image));
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
    /// The images that lie under their own names, or will.
    in_place: HashSet<&'a Digest>,
}

impl<'a> Collection<'a> {
    fn verdict(&mut self, entry: &'a Entry) -> Verdict {
        match &entry.kind {
            EntryKind::Image(digest) if self.marks.contains(digest.entry_name()) => {
                Verdict::Keep(KeepReason::Referenced)
            }
            EntryKind::Image(_) => match self.needed(entry) {
                Some(reason) => Verdict::Keep(reason),
                None if self.given.is_recent(entry) => Verdict::Keep(KeepReason::Recent),
                None => Verdict::Remove(RemoveReason::Orphan),
            },
            EntryKind::Leftover(Leftover::Hidden(digest)) => self.hidden(entry, digest),
            EntryKind::Leftover(Leftover::Dead) => Verdict::Remove(RemoveReason::InterruptedGc),
            EntryKind::Leftover(Leftover::Extraction) => self.extraction(entry),
            // Layers come after everything else, strangers never.
            EntryKind::Layer(_) | EntryKind::Stranger => Verdict::Keep(KeepReason::Unknown),
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
        let reason = match self.marks.contains(digest.entry_name()) {
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

/// What a purge removes: everything, even what `users` says is in use. Whoever orders it should
/// have been told. What is mounted is not of the cache, and what holds it stays with it.
pub fn purge(inventory: &Inventory, users: &Users, mounts: &Mounts) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let verdict = Verdict::Remove(RemoveReason::Purge);
    let entries = inventory.entries.iter().cloned().map(Item::Entry);
    let items = entries.chain(ref_items(&inventory.refs));
    let decisions = items.map(|item| {
        let users = users.of(item.location()).to_vec();
        decide(item, verdict, &marks, users, mounts)
    });
    Plan { decisions: decisions.collect() }
}

/// All files in `refs`, whatever is in them.
fn ref_items(index: &RefIndex) -> impl Iterator<Item = Item> + '_ {
    let valid = index.refs.iter().map(|found| (&found.file, Some(&found.digest)));
    let invalid = index.invalid.iter().map(|found| (&found.file, None));
    let unreadable = index.unreadable.iter().filter_map(|found| Some((found.file.as_ref()?, None)));
    valid.chain(invalid).chain(unreadable).map(|(file, digest)| ref_item(file, digest))
}

fn ref_item(file: &EntryName, digest: Option<&Digest>) -> Item {
    let location = Location { folder: Folder::Refs, name: file.clone() };
    Item::Ref { location, digest: digest.cloned() }
}

fn decide_dangling(found: &Ref, given: &Conditions) -> Decision {
    let verdict = match given.is_old(found) {
        true => Verdict::Remove(RemoveReason::Dangling),
        false => Verdict::Keep(KeepReason::Recent),
    };
    let item = ref_item(&found.file, Some(&found.digest));
    let decision = decide(item, verdict, &Marks::new(&[]), Vec::new(), &given.mounts);
    Decision { refs: vec![found.image.clone()], ..decision }
}

fn decide(
    item: Item,
    verdict: Verdict,
    marks: &Marks<'_>,
    users: Vec<User>,
    mounts: &Mounts,
) -> Decision {
    let mount = mounts.of(item.location()).filter(|_| verdict.removes()).map(Path::to_path_buf);
    let verdict = mount.as_ref().map_or(verdict, |_| Verdict::Keep(KeepReason::Mount));
    let refs = item.image_name().map_or(&[][..], |name| marks.of(name));
    let refs = refs.iter().map(|found| found.image.clone()).collect();
    Decision { item, verdict, refs, users, mount, standing: None, usage: None }
}
