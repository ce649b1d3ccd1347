//! From an inventory to a plan.

use super::{Conditions, Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{
    Digest, Entry, EntryKind, Folder, Inventory, Leftover, Location, RefIndex, Users,
};

/// What a collection removes: images that no ref names and nobody needs, and what an interrupted
/// collection left. Strangers have no place in the plan. Images that have arrived just now stay,
/// and if there are refs that cannot be read, all images stay: those might name any of them.
pub fn collect(inventory: &Inventory, given: &Conditions) -> Plan {
    let policy = Collection { marks: Marks::new(&inventory.refs.refs), inventory, given };
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Stranger);
    let decisions = entries.map(|entry| {
        let verdict = policy.verdict(entry);
        decide(Item::Entry(entry.clone()), verdict, &policy.marks, &given.users)
    });
    Plan { decisions: decisions.collect() }
}

struct Collection<'a> {
    inventory: &'a Inventory,
    marks: Marks<'a>,
    given: &'a Conditions,
}

impl Collection<'_> {
    fn verdict(&self, entry: &Entry) -> Verdict {
        match &entry.kind {
            EntryKind::Image(digest) if self.marks.contains(digest.entry_name()) => {
                Verdict::Keep(KeepReason::Referenced)
            }
            EntryKind::Image(_) => match self.given.is_recent(entry) {
                true => self.needed(entry).unwrap_or(Verdict::Keep(KeepReason::Recent)),
                false => self.needed(entry).unwrap_or(Verdict::Remove(RemoveReason::Orphan)),
            },
            EntryKind::Leftover(Leftover::Hidden(digest)) => self.hidden(entry, digest),
            EntryKind::Leftover(Leftover::Dead) => Verdict::Remove(RemoveReason::InterruptedGc),
            EntryKind::Layer(_)
            | EntryKind::Leftover(Leftover::Extraction)
            | EntryKind::Stranger => Verdict::Keep(KeepReason::Unknown),
        }
    }

    /// A ref brings a hidden image back, unless its owner has extracted it anew by now.
    fn hidden(&self, entry: &Entry, digest: &Digest) -> Verdict {
        let is_named = self.marks.contains(digest.entry_name());
        if is_named && !self.inventory.images().any(|(_, other)| other == digest) {
            return Verdict::Restore;
        }
        self.needed(entry).unwrap_or(Verdict::Remove(RemoveReason::InterruptedGc))
    }

    /// Why a whole image stays although no ref that can be read names it.
    fn needed(&self, entry: &Entry) -> Option<Verdict> {
        let reason = if !self.inventory.refs.unreadable.is_empty() {
            KeepReason::Unknown
        } else if self.given.leases.contains(&entry.location.name) {
            KeepReason::Locked
        } else if !self.given.users.of(&entry.location).is_empty() {
            KeepReason::InUse
        } else {
            return None;
        };
        Some(Verdict::Keep(reason))
    }
}

/// What a purge removes: everything, even what `users` says is in use. Whoever orders it should
/// have been told.
pub fn purge(inventory: &Inventory, users: &Users) -> Plan {
    let marks = Marks::new(&inventory.refs.refs);
    let verdict = Verdict::Remove(RemoveReason::Purge);
    let entries = inventory.entries.iter().cloned().map(Item::Entry);
    let items = entries.chain(ref_items(&inventory.refs));
    Plan { decisions: items.map(|item| decide(item, verdict, &marks, users)).collect() }
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

fn decide(item: Item, verdict: Verdict, marks: &Marks<'_>, users: &Users) -> Decision {
    let refs = item.image_name().map_or(&[][..], |name| marks.of(name));
    let refs = refs.iter().map(|found| found.image.clone()).collect();
    let users = users.of(item.location()).to_vec();
    Decision { item, verdict, refs, users, mount: None, usage: None }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::cache::{EntryName, Leases, Ref, UnreadableRef, User};
    use crate::error::Error;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn entry(name: &str) -> Entry {
        let location = Location { folder: Folder::Root, name: EntryName::new(name).unwrap() };
        let digest = Digest::parse(b"sha256:a").unwrap();
        let kind = match name {
            "sha256-a" => EntryKind::Image(digest),
            _ => EntryKind::Leftover(Leftover::Hidden(digest)),
        };
        Entry { location, kind, last_used: at(1000) }
    }

    fn inventory(entries: &[&str], is_named: bool, is_readable: bool) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.entries.extend(entries.iter().map(|name| entry(name)));
        if is_named {
            let digest = Digest::parse(b"sha256:a").unwrap();
            let file = EntryName::new("r").unwrap();
            inventory.refs.refs.push(Ref { file, image: None, digest });
        }
        if !is_readable {
            let error = Error::Interrupted;
            inventory.refs.unreadable.push(UnreadableRef { file: None, error });
        }
        inventory
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
            let inventory = inventory(&["sha256-a"], is_named, is_readable);
            let plan = collect(&inventory, &Conditions::at(at(second)));
            let found = plan.decisions[0].verdict.reason();
            assert_eq!(found, reason, "{second} {is_named} {is_readable}");
        }
    }

    #[test]
    fn what_was_used_too_recently_or_in_the_future_stays() {
        for (second, kept_seconds, reason) in [
            (5000, 4000, "orphan"),
            (4999, 4000, "recent"),
            (5000, 0, "orphan"),
            (500, 1, "recent"),
            (500, 0, "recent"),
        ] {
            let keep_recent = Some(SignedDuration::from_secs(kept_seconds));
            let given = Conditions { keep_recent, ..Conditions::at(at(second)) };
            let plan = collect(&inventory(&["sha256-a"], false, true), &given);
            assert_eq!(plan.decisions[0].verdict.reason(), reason, "{second} {kept_seconds}");
        }
    }

    #[test]
    fn what_is_leased_or_in_use_stays() {
        let (image, hidden) = (entry("sha256-a"), entry("tmp-gc-sha256-a"));
        let user = User { pid: 7, program: "vm".to_owned() };
        for entry in [image, hidden] {
            let name = entry.location.name.to_string();
            let verdict = |is_leased: bool, is_used: bool| {
                let leased = is_leased.then(|| entry.location.name.clone());
                let used = is_used.then(|| (entry.location.clone(), user.clone()));
                let (leases, users) = (Leases::from_iter(leased), Users::from_list(used));
                let given = Conditions { leases, users, ..Conditions::at(at(5000)) };
                let plan = collect(&inventory(&[&name], false, true), &given);
                assert_eq!(plan.decisions[0].users.len(), usize::from(is_used));
                plan.decisions[0].verdict.reason()
            };
            assert_eq!(verdict(true, false), "locked");
            assert_eq!(verdict(false, true), "in-use");
            assert_eq!(verdict(true, true), "locked");
            assert!(["orphan", "interrupted-gc"].contains(&verdict(false, false)));
        }
    }

    #[test]
    fn a_hidden_image_comes_back_only_if_it_is_named_and_not_there_again() {
        let hidden = "tmp-gc-sha256-a";
        for (entries, is_named, is_readable, expected) in [
            (&[hidden][..], true, true, Verdict::Restore),
            (&[hidden], true, false, Verdict::Restore),
            (&[hidden], false, true, Verdict::Remove(RemoveReason::InterruptedGc)),
            (&[hidden], false, false, Verdict::Keep(KeepReason::Unknown)),
            (&[hidden, "sha256-a"], true, true, Verdict::Remove(RemoveReason::InterruptedGc)),
        ] {
            let inventory = inventory(entries, is_named, is_readable);
            let plan = collect(&inventory, &Conditions::at(at(5000)));
            assert_eq!(plan.decisions[0].verdict, expected, "{entries:?} {is_named}");
        }
    }
}
