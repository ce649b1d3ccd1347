//! Plans that continue until enough space is available on the file system.
//!
//! How much a removal frees is only certain afterwards: files outside the cache may share the data,
//! and other programs write and remove files, too. So the plan contains everything that may have to
//! be removed, judged by the lower bounds of what that frees, and is carried out in parts. The
//! first part removes what would be removed anyway. Each further part removes, cheapest first, what
//! is still missing by the upper bounds. It starts only if the file system still reports too little
//! space.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bytesize::ByteSize;

use super::decision::{Decision, Item, Plan};
use super::reason::{KeepReason, Verdict};
use crate::cache::{Folder, Location};

/// The space to reach on the file system, and the items that may be removed for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Bytes that must be available to the user.
    pub available: ByteSize,
    /// Bytes that will certainly be available after the whole plan, unless something else takes
    /// them.
    pub predicted: ByteSize,
    /// The items that may be removed, cheapest first, each with its decision if it is kept.
    stays: Vec<Decision>,
    turns: HashMap<Location, usize>,
}

impl Target {
    pub(super) fn new(available: ByteSize, predicted: ByteSize, stays: Vec<Decision>) -> Self {
        let locations = stays.iter().map(|stays| stays.item.location().clone());
        let turns = locations.zip(0..).collect();
        Self { available, predicted, stays, turns }
    }

    /// The item's position in the order of removal, if it is removed for the target. References go
    /// with their image.
    fn turn(&self, decision: &Decision) -> Option<usize> {
        match &decision.item {
            Item::Entry(entry) => self.turns.get(&entry.location).copied(),
            Item::Ref { digest: Some(digest), .. } if decision.verdict.is_policy() => {
                let name = digest.entry_name().clone();
                self.turns.get(&Location { folder: Folder::Root, name }).copied()
            }
            Item::Ref { .. } => None,
        }
    }

    /// The decision about an item that is kept after all.
    fn stays(&self, decision: &Decision) -> Decision {
        match self.turns.get(decision.item.location()) {
            Some(&turn) => self.stays[turn].clone(),
            None => Decision { verdict: Verdict::Keep(KeepReason::Referenced), ..decision.clone() },
        }
    }
}

impl Plan {
    /// The removals that do not depend on the target. Every part has the decisions at the same
    /// indices.
    pub(crate) fn first_part(&self) -> Self {
        self.part(|turn| turn.is_none())
    }

    /// The removals for the target whose turns are in this range.
    pub(crate) fn later_part(&self, turns: Range<usize>) -> Self {
        self.part(|turn| turn.is_some_and(|turn| turns.contains(&turn)))
    }

    fn part(&self, is_in: impl Fn(Option<usize>) -> bool) -> Self {
        let Some(target) = self.target() else { return self.clone() };
        let decisions = self.decisions().iter().map(|decision| {
            let goes = matches!(decision.verdict, Verdict::Keep(_)) || is_in(target.turn(decision));
            if goes { decision.clone() } else { target.stays(decision) }
        });
        self.with_decisions(decisions.collect())
    }

    /// The turns to take next if `available` bytes are free and every turn before `first` is done.
    /// `None` if that is enough, or if nothing is left.
    pub(crate) fn next_turns(&self, first: usize, available: ByteSize) -> Option<Range<usize>> {
        let target = self.target().filter(|target| available < target.available)?;
        let missing = target.available.as_u64() - available.as_u64();
        let (mut taken, mut end) = (0, first);
        for next in target.stays.get(first..)? {
            let usage = self.get(next.item.location()).and_then(|decision| decision.usage);
            taken += usage.unwrap_or_default().on_disk().at_least().as_u64();
            end += 1;
            if taken >= missing {
                break;
            }
        }
        (first < end).then_some(first..end)
    }

    /// The plan as if only the first `turns` items had been needed for the target.
    pub(crate) fn ending_after(&self, turns: usize) -> Self {
        self.sparing(|turn| turn >= turns)
    }

    /// The plan without the images that it would remove for its target, except the `agreed` ones.
    #[must_use]
    pub fn taking_only(&self, agreed: &HashSet<Location>) -> Self {
        let Some(target) = self.target() else { return self.clone() };
        self.sparing(|turn| {
            let item = &target.stays[turn].item;
            item.is_image_in_place() && !agreed.contains(item.location())
        })
    }

    fn sparing(&self, is_spared: impl Fn(usize) -> bool) -> Self {
        let Some(target) = self.target() else { return self.clone() };
        let decide = |decision: &Decision| {
            let is_spared = target.turn(decision).is_some_and(&is_spared);
            match &decision.item {
                // A ref that is kept needs no decision.
                Item::Ref { .. } if is_spared => None,
                Item::Entry(_) if is_spared => Some(target.stays(decision)),
                _ => Some(decision.clone()),
            }
        };
        let decisions = self.decisions().iter().filter_map(decide).collect();
        let stays = target.stays.iter().enumerate().filter(|(turn, _)| !is_spared(*turn));
        let stays = stays.map(|(_, stays)| stays.clone()).collect();
        let target = Target::new(target.available, target.predicted, stays);
        self.with_decisions(decisions).aiming_at(target)
    }
}
