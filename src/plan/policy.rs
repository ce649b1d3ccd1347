//! From an inventory to a plan.

use std::collections::HashSet;
use std::path::Path;

use super::{Conditions, Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::cache::{
    Digest, Entry, EntryKind, Folder, Inventory, Leftover, Location, Mounts, RefIndex, User, Users,
};

/// What a collection removes: images that no ref names and nobody needs, and what an interrupted
/// collection left. Strangers have no place in the plan. Images that have arrived just now stay,
/// and if there are refs that cannot be read, all images stay: those might name any of them.
pub fn collect(inventory: &Inventory, given: &Conditions) -> Plan {
    let in_place = inventory.images().map(|(_, digest)| digest).collect();
    let marks = Marks::new(&inventory.refs.refs);
    let mut policy = Collection { inventory, given, marks, in_place };
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Stranger);
    let decisions = entries.map(|entry| {
        let verdict = policy.verdict(entry);
        let users = policy.users(entry);
        decide(Item::Entry(entry.clone()), verdict, &policy.marks, users, &given.mounts)
    });
    Plan { decisions: decisions.collect() }
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
            EntryKind::Layer(_)
            | EntryKind::Leftover(Leftover::Extraction)
            | EntryKind::Stranger => Verdict::Keep(KeepReason::Unknown),
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
    valid.chain(invalid).chain(unreadable).map(|(file, digest)| Item::Ref {
        location: Location { folder: Folder::Refs, name: file.clone() },
        digest: digest.cloned(),
    })
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
    Decision { item, verdict, refs, users, mount, usage: None }
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
            // However it is numbered.
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
        let image = entry("sha256-a").location;
        for (is_leased, is_used, expected) in [
            (true, false, Verdict::Keep(KeepReason::Locked)),
            (false, true, Verdict::Keep(KeepReason::InUse)),
            (true, true, Verdict::Keep(KeepReason::Locked)),
            (false, false, Verdict::Remove(RemoveReason::Orphan)),
        ] {
            let leases = Leases::from_iter(is_leased.then(|| image.name.clone()));
            let users = Users::from_list(is_used.then(|| (image.clone(), user())));
            let given = Conditions { leases, users, ..Conditions::at(at(5000)) };
            let plan = collect(&inventory(&["sha256-a"], false, true), &given);
            assert_eq!(plan.decisions[0].verdict, expected);
            assert_eq!(plan.decisions[0].users.len(), usize::from(is_used));
        }
    }

    fn user() -> User {
        User { pid: 7, program: "vm".to_owned() }
    }

    /// Who was told the image's name uses it, and so does who is in the hidden tree.
    #[test]
    fn a_hidden_image_that_is_in_use_comes_back_or_at_least_stays() {
        let hidden = "tmp-gc-sha256-a";
        for (entries, used, expected) in [
            (&[hidden][..], hidden, Verdict::Restore(KeepReason::InUse)),
            (&[hidden], "sha256-a", Verdict::Restore(KeepReason::InUse)),
            (&[hidden, "sha256-a"], hidden, Verdict::Keep(KeepReason::InUse)),
            (&[hidden, "sha256-a"], "sha256-a", Verdict::Remove(RemoveReason::InterruptedGc)),
        ] {
            let users = Users::from_list([(entry(used).location, user())]);
            let given = Conditions { users, ..Conditions::at(at(5000)) };
            let plan = collect(&inventory(entries, false, true), &given);
            assert_eq!(plan.decisions[0].verdict, expected, "{entries:?} {used}");
            // The image that is named then is the one in its place.
            let plan = collect(&inventory(entries, true, true), &given);
            let stays = !plan.decisions[0].verdict.removes();
            assert_eq!(stays, !expected.removes(), "{entries:?} {used}, named");
        }
        let keep_recent = Some(SignedDuration::from_secs(4001));
        let given = Conditions { keep_recent, ..Conditions::at(at(5000)) };
        let plan = collect(&inventory(&[hidden], false, true), &given);
        assert_eq!(plan.decisions[0].verdict, Verdict::Restore(KeepReason::Recent));
    }

    #[test]
    fn a_hidden_image_comes_back_only_if_it_is_named_and_not_there_again() {
        let hidden = "tmp-gc-sha256-a";
        for (entries, is_named, is_readable, expected) in [
            (&[hidden][..], true, true, Verdict::Restore(KeepReason::Referenced)),
            (&[hidden], true, false, Verdict::Restore(KeepReason::Referenced)),
            (&[hidden], false, true, Verdict::Remove(RemoveReason::InterruptedGc)),
            (&[hidden], false, false, Verdict::Keep(KeepReason::Unknown)),
            (&[hidden, "sha256-a"], true, true, Verdict::Remove(RemoveReason::InterruptedGc)),
        ] {
            let inventory = inventory(entries, is_named, is_readable);
            let plan = collect(&inventory, &Conditions::at(at(5000)));
            assert_eq!(plan.decisions[0].verdict, expected, "{entries:?} {is_named}");
        }
        let two = inventory(&[hidden, "tmp-gc-1-sha256-a"], true, true);
        let plan = collect(&two, &Conditions::at(at(5000)));
        assert_eq!(plan.removals().map(|(index, _)| index).collect::<Vec<_>>(), [1]);
    }
}
