//! What becomes of refs.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::decision::{Decision, decide, decide_ref, ref_item};
use super::evidence::Evidence;
use super::reachability::{Reachability, dangling};
use super::reason::{KeepReason, RemoveReason, Verdict};
use crate::cache::{EntryName, InvalidRef, Inventory, Ref, RefProblem};

/// How long an empty reference stays: a full disk may have left it, and its image is pulled by that name again.
const EMPTY_AGE: SignedDuration = SignedDuration::from_hours(24);

/// What follows for refs from what was decided about everything else: those of an image that goes although it is
/// referenced go with it, and so do dangling ones that are old enough. Most refs have no decision: they stay.
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

/// Whether a file has been empty for so long that nothing will be written into it any more.
fn is_forgotten(found: &InvalidRef, now: Timestamp) -> bool {
    let is_old = |written| now.duration_since(written) > EMPTY_AGE;
    found.problem == RefProblem::Empty && found.modified.is_some_and(is_old)
}

/// What is to become of the images, by the names that refs have for them.
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

/// A ref that an interrupted collection had hidden goes back to its place if its image is there, and
/// nothing else has come to that place; otherwise it goes. It is unknown, if something in the cache
/// could not be looked at.
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
