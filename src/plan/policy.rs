//! From an inventory to a plan.

use super::{Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{Entry, EntryKind, Folder, Inventory, Leftover, Location, RefIndex};

/// What a collection removes: images that no ref names, and what an interrupted collection left.
/// Strangers have no place in the plan.
///
/// The inventory must have no unreadable refs: those might name any image.
pub fn collect(inventory: &Inventory) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Stranger);
    let decisions = entries
        .map(|entry| {
            let verdict = verdict(entry, &marks);
            decide(Item::Entry(entry.clone()), verdict, &marks)
        })
        .collect();
    Plan { decisions }
}

fn verdict(entry: &Entry, marks: &Marks<'_>) -> Verdict {
    match &entry.kind {
        EntryKind::Image(_) if marks.contains(&entry.location.name) => {
            Verdict::Keep(KeepReason::Referenced)
        }
        EntryKind::Image(_) => Verdict::Remove(RemoveReason::Orphan),
        EntryKind::Leftover(Leftover::InterruptedGc) => {
            Verdict::Remove(RemoveReason::InterruptedGc)
        }
        EntryKind::Layer(_) | EntryKind::Leftover(Leftover::Extraction) | EntryKind::Stranger => {
            Verdict::Keep(KeepReason::Unknown)
        }
    }
}

/// What a purge removes: everything.
pub fn purge(inventory: &Inventory) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let verdict = Verdict::Remove(RemoveReason::Purge);
    let entries = inventory.entries.iter().cloned().map(Item::Entry);
    let items = entries.chain(ref_items(&inventory.refs));
    Plan { decisions: items.map(|item| decide(item, verdict, &marks)).collect() }
}

/// All files in `refs`, whatever is in them.
fn ref_items(index: &RefIndex) -> impl Iterator<Item = Item> + '_ {
    let valid = index.refs.iter().map(|found| (&found.file, Some(&found.digest)));
    let invalid = index.invalid.iter().map(|found| (&found.file, None));
    let unreadable = index.unreadable.iter().filter_map(|found| Some((found.file.as_ref()?, None)));
    valid.chain(invalid).chain(unreadable).map(|(file, digest)| Item::Ref {
        location: Location { folder: Folder::Refs, name: file.clone() },
        digest: digest.cloned(),
    })
}

fn decide(item: Item, verdict: Verdict, marks: &Marks<'_>) -> Decision {
    let refs = match item.is_image() {
        true => marks.of(&item.location().name),
        false => &[],
    };
    let refs = refs.iter().map(|found| found.image.clone()).collect();
    Decision { item, verdict, refs, usage: None }
}
