//! The plan: one decision per item, and the order in which a target spends them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bytesize::ByteSize;

use super::decision::{Decision, Item};
use super::reason::{KeepReason, Verdict};
use super::target::Target;
use crate::cache::{Entry, EntryKind, Location};
use crate::usage::{Measurement, Size, Usage};

/// One decision per item in the cache, by kind and name. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    decisions: Vec<Decision>,
    places: HashMap<Location, usize>,
    left: Option<Size>,
    target: Option<Target>,
    in_place: bool,
    on_request: bool,
}

impl Plan {
    pub(super) fn new(decisions: Vec<Decision>) -> Self {
        let locations = decisions.iter().map(|decision| decision.item.location().clone());
        let places = locations.enumerate().map(|(place, location)| (location, place)).collect();
        Self { decisions, places, ..Self::default() }
    }

    /// The same kind of plan with other decisions.
    pub(super) fn with_decisions(&self, decisions: Vec<Decision>) -> Self {
        let Self { left, target, in_place, on_request, .. } = self.clone();
        Self { left, target, in_place, on_request, ..Self::new(decisions) }
    }

    pub(super) fn on_request(self) -> Self {
        Self { on_request: true, ..self }
    }

    /// Whether it is for images that the user has chosen, as by [`rm`](super::rm).
    pub fn is_on_request(&self) -> bool {
        self.on_request
    }

    pub(super) fn aiming_at(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The free space to reach, if the plan has such a target. The plan is then carried out only as
    /// far as needed.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub(super) fn leaving(self, left: Size) -> Self {
        Self { left: Some(left), ..self }
    }

    /// The size of the cache after the plan, if the plan was made for a size limit.
    pub fn left(&self) -> Option<Size> {
        self.left
    }

    /// Allows a sweep to remove items in place if the file system cannot rename them, for example
    /// on a full btrfs. The owner of the cache must not start meanwhile: it could use half an
    /// image.
    pub fn allow_in_place(&mut self) {
        self.in_place = true;
    }

    pub(crate) fn goes_in_place(&self) -> bool {
        self.in_place
    }

    /// All decisions, by kind and name.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The decision about the item at `location`, if there is one.
    pub fn get(&self, location: &Location) -> Option<&Decision> {
        self.decisions.get(*self.places.get(location)?)
    }

    /// The decisions to remove an item.
    pub fn removals(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.verdict.removes())
    }

    /// The indices, in the list of decisions, of every item to remove or restore.
    pub(crate) fn changed_places(&self) -> Vec<usize> {
        let stays = |decision: &Decision| matches!(decision.verdict, Verdict::Keep(_));
        (0..self.decisions.len()).filter(|&place| !stays(&self.decisions[place])).collect()
    }

    /// The decisions to remove or restore an item.
    pub fn changes(&self) -> impl Iterator<Item = &Decision> {
        let stays = |decision: &Decision| matches!(decision.verdict, Verdict::Keep(_));
        self.decisions.iter().filter(move |decision| !stays(decision))
    }

    /// The locations of the items to remove, in the order of [`Plan::removals`].
    pub fn to_remove(&self) -> Vec<Location> {
        self.removals().map(|decision| decision.item.location().clone()).collect()
    }

    /// The locations of entries that are not part of the cache.
    pub fn foreign(&self) -> impl Iterator<Item = &Location> {
        self.decisions.iter().filter_map(|decision| match &decision.item {
            Item::Entry(Entry { kind: EntryKind::Foreign, location, .. }) => Some(location),
            _ => None,
        })
    }

    /// The orphans kept because nothing has replaced them.
    pub fn unreplaced(&self) -> impl Iterator<Item = &Decision> {
        let unreplaced = Verdict::Keep(KeepReason::Unreplaced);
        self.decisions.iter().filter(move |decision| decision.verdict == unreplaced)
    }

    /// The unreferenced layers kept because the user did not ask to remove them.
    pub fn left_layers(&self) -> impl Iterator<Item = &Decision> {
        let left = Verdict::Keep(KeepReason::Unreferenced);
        self.decisions.iter().filter(move |decision| decision.verdict == left)
    }

    /// The locations of all entries that are not `chosen`. They may share data with those that are.
    pub fn entries_besides(&self, chosen: &HashSet<&Location>) -> Vec<Location> {
        let items = self.decisions.iter().map(|decision| &decision.item);
        let entries = items.filter(|item| matches!(item, Item::Entry(_))).map(Item::location);
        entries.filter(|location| !chosen.contains(location)).cloned().collect()
    }

    /// The locations of all items, in the order of the decisions.
    pub fn locations(&self) -> impl Iterator<Item = &Location> {
        self.decisions.iter().map(|decision| decision.item.location())
    }

    /// Records the sizes of the items to remove, as far as `measurement` has them.
    pub fn note_usage(&mut self, measurement: &Measurement) {
        for decision in self.decisions.iter_mut().filter(|decision| decision.verdict.removes()) {
            decision.usage = measurement.usage(decision.item.location()).or(decision.usage);
        }
    }

    /// Records how much of an item was removed.
    pub fn note_removed(&mut self, location: &Location, usage: Usage) {
        if let Some(&place) = self.places.get(location) {
            self.decisions[place].usage = Some(usage);
        }
    }
}

/// A plan with a target is carried out in parts: see [`Target`].
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
