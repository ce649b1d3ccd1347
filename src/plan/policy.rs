//! From an inventory to a plan.

use jiff::Timestamp;

use super::{Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{Entry, EntryKind, Folder, Inventory, Leftover, Location, RefIndex};

/// What a collection removes: images that no ref names, and what an interrupted collection left.
/// Strangers have no place in the plan. Images that have arrived just before `now` stay, and if
/// there are refs that cannot be read, all images stay: those might name any of them.
pub fn collect(inventory: &Inventory, now: Timestamp) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let is_known = inventory.refs.unreadable.is_empty();
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Stranger);
    let decisions = entries.map(|entry| {
        let verdict = match &entry.kind {
            EntryKind::Image(_) => image_verdict(entry, &marks, is_known, now),
            _ => other_verdict(&entry.kind),
        };
        decide(Item::Entry(entry.clone()), verdict, &marks)
    });
    Plan { decisions: decisions.collect() }
}

fn image_verdict(image: &Entry, marks: &Marks<'_>, is_known: bool, now: Timestamp) -> Verdict {
    match marks.contains(&image.location.name) {
        true => Verdict::Keep(KeepReason::Referenced),
        false if !is_known => Verdict::Keep(KeepReason::Unknown),
        false if image.is_fresh(now) => Verdict::Keep(KeepReason::Recent),
        false => Verdict::Remove(RemoveReason::Orphan),
    }
}

fn other_verdict(kind: &EntryKind) -> Verdict {
    match kind {
        EntryKind::Leftover(Leftover::InterruptedGc) => {
            Verdict::Remove(RemoveReason::InterruptedGc)
        }
        EntryKind::Image(_)
        | EntryKind::Layer(_)
        | EntryKind::Leftover(Leftover::Extraction)
        | EntryKind::Stranger => Verdict::Keep(KeepReason::Unknown),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Digest, EntryName, Ref, UnreadableRef};
    use crate::error::Error;

    /// An inventory of one image, last used at second 1000, and what a collection says of it.
    fn verdict_at(second: i64, is_named: bool, is_readable: bool) -> &'static str {
        let digest = Digest::parse(b"sha256:a").unwrap();
        let location = Location { folder: Folder::Root, name: digest.entry_name().clone() };
        let mut inventory = Inventory::default();
        inventory.entries.push(Entry {
            location,
            kind: EntryKind::Image(digest.clone()),
            last_used: Timestamp::from_second(1000).unwrap(),
        });
        if is_named {
            let file = EntryName::new("r").unwrap();
            inventory.refs.refs.push(Ref { file, image: None, digest });
        }
        if !is_readable {
            let error = Error::Interrupted;
            inventory.refs.unreadable.push(UnreadableRef { file: None, error });
        }
        let plan = collect(&inventory, Timestamp::from_second(second).unwrap());
        plan.decisions[0].verdict.reason()
    }

    #[test]
    fn an_image_goes_only_if_it_is_surely_and_lastingly_without_a_ref() {
        for (second, is_named, is_readable, reason) in [
            (5000, false, true, "orphan"),
            (5000, true, true, "referenced"),
            (5000, true, false, "referenced"),
            (5000, false, false, "unknown"),
            (1001, false, true, "recent"),
            (1001, true, true, "referenced"),
            (999, false, true, "recent"),
            (500, false, true, "orphan"),
        ] {
            let found = verdict_at(second, is_named, is_readable);
            assert_eq!(found, reason, "{second} {is_named} {is_readable}");
        }
    }
}
