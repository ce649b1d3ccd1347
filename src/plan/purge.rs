//! A purge: all of it.

use super::decide::{decide, ref_item};
use super::{Item, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{Inventory, Mounts, RefIndex, Users};

/// What a purge removes: everything, even what `users` says is in use. Whoever orders it should
/// have been told. What is mounted is not of the cache, and what holds it stays with it. Its sweep
/// leaves the folders; [`raze`](crate::sweep::raze) removes them.
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
