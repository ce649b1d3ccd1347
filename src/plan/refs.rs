//! Verdicts on refs.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::decision::{Decision, decide, decide_ref, ref_item};
use super::evidence::Evidence;
use super::reachability::{Reachability, dangling};
use super::reason::{KeepReason, RemoveReason, Verdict};
use crate::cache::{EntryName, InvalidRef, Inventory, Ref, RefProblem};

/// How long an empty ref file is kept: it may be left from a full disk, and its image may be pulled
/// again under that name.
const EMPTY_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Verdicts on refs, derived from those on everything else. A removed image takes its refs with it,
/// and dangling refs are removed once they are old enough. Most refs have no decision: they are
/// kept.
pub(super) fn decide_refs(
    inventory: &Inventory,
    decisions: &[Decision],
    is_old: impl Fn(&Ref) -> bool,
    evidence: &Evidence,
) -> Vec<Decision> {
    let images = Images::new(decisions);
    let dangling: HashSet<_> = dangling(inventory).map(|found| &found.file).collect();
    let verdict = |found: &Ref| {
        let went = images.going.get(found.digest.entry_name());
        if let Some(reason) = went.filter(|reason| reason.overrides_refs()) {
            Some(Verdict::Remove(*reason))
        } else if let Some(file) = found.former_file() {
            hidden(found, &file, inventory, &images)
        } else if !dangling.contains(&found.file) {
            None
        } else if is_old(found) {
            Some(Verdict::Remove(RemoveReason::Dangling))
        } else {
            Some(Verdict::Keep(KeepReason::Recent))
        }
    };
    let decided = inventory.refs.refs.iter().filter_map(|found| Some((found, verdict(found)?)));
    let decided = decided.map(|(found, verdict)| decide_ref(found, verdict, evidence));
    let empty = inventory.refs.invalid.iter().filter(|found| is_forgotten(found, evidence.now));
    let empty = empty.map(|found| {
        let item = ref_item(&found.file, None);
        let verdict = Verdict::Remove(RemoveReason::Dangling);
        decide(item, verdict, &Reachability::new(&[]), Vec::new(), evidence)
    });
    decided.chain(empty).collect()
}

/// Whether a ref file has been empty for so long that no one will fill it any more.
fn is_forgotten(found: &InvalidRef, now: Timestamp) -> bool {
    let is_old = |written| now.duration_since(written) > EMPTY_AGE;
    found.problem == RefProblem::Empty && found.modified.is_some_and(is_old)
}

/// The verdicts on images, by the names that refs use for them.
struct Images<'a> {
    going: HashMap<&'a EntryName, RemoveReason>,
    staying: HashSet<&'a EntryName>,
}

impl<'a> Images<'a> {
    fn new(decisions: &'a [Decision]) -> Self {
        let mut images = Self { going: HashMap::new(), staying: HashSet::new() };
        for decision in decisions {
            match (decision.item.image_name(), decision.verdict) {
                (Some(name), Verdict::Remove(reason)) if decision.item.is_image_in_place() => {
                    images.going.insert(name, reason);
                }
                (Some(name), Verdict::Keep(_) | Verdict::Restore(_)) => {
                    images.staying.insert(name);
                }
                _ => {}
            }
        }
        images
    }
}

/// A hidden ref of an interrupted gc is restored if its image is there and its former name is free;
/// otherwise it is removed. There is no verdict if any part of the cache was unreadable.
fn hidden(
    found: &Ref,
    former: &EntryName,
    inventory: &Inventory,
    images: &Images<'_>,
) -> Option<Verdict> {
    let is_taken = inventory.refs.files().any(|file| file == former);
    match images.staying.contains(found.digest.entry_name()) {
        _ if !inventory.problems.is_empty() => None,
        true if !is_taken => Some(Verdict::Restore(KeepReason::Referenced)),
        _ => Some(Verdict::Remove(RemoveReason::InterruptedGc)),
    }
}
