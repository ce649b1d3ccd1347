//! In which order, and how far, a limit removes items that would otherwise be kept.
//!
//! Leftovers and replaced orphans are removed anyway and are not part of this order. The cheapest
//! items come first: unreferenced layers, then the other layers (a pull extracts a lost layer
//! again), and last the images that may still be wanted. Each group is sorted by last use, least
//! recent first.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::decision::{Decision, Item};
use super::decisions::Plan;
use super::reason::{KeepReason, Verdict};
use crate::cache::{Entry, Location};

/// The items that a limit may remove, cheapest first: those that `most` removes and `least` keeps.
/// `least` is the plan that spends nothing, `most` the one that spends everything it can.
pub(super) fn spending_order(least: &Plan, most: &Plan) -> Vec<Location> {
    let stays = |decision: &&Decision| {
        let found = least.get(decision.item.location());
        found.is_some_and(|found| !found.verdict.removes())
    };
    let mut spent: Vec<_> =
        most.removals().filter(stays).filter_map(|spent| entry(spent)).collect();
    spent.sort_by(|one, other| by_price(one, other, least));
    spent.into_iter().map(|entry| entry.location.clone()).collect()
}

fn entry(decision: &Decision) -> Option<&Entry> {
    match &decision.item {
        Item::Entry(entry) => Some(entry),
        Item::Ref { .. } => None,
    }
}

fn by_price(one: &Entry, other: &Entry, least: &Plan) -> Ordering {
    let key = |entry: &Entry| (price(least.get(&entry.location)), entry.last_used);
    key(one).cmp(&key(other)).then_with(|| one.location.cmp(&other.location))
}

/// What a removal costs the user: from nothing to an image that may be wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Price {
    UnreferencedLayer,
    Layer,
    Image,
}

fn price(kept: Option<&Decision>) -> Price {
    match kept {
        Some(kept) if kept.verdict == Verdict::Keep(KeepReason::Unreferenced) => {
            Price::UnreferencedLayer
        }
        Some(kept) if kept.item.is_layer() => Price::Layer,
        _ => Price::Image,
    }
}

/// The shortest prefix of `order` that is enough, or all of it if even that is not. If a prefix is
/// enough, every longer one must be, too. Calls `is_enough` about log2(`order.len()`) times.
pub(super) fn spend(
    order: &[Location],
    is_enough: impl Fn(&HashSet<Location>) -> bool,
) -> HashSet<Location> {
    let first = |count: usize| order[..count].iter().cloned().collect::<HashSet<_>>();
    // Invariant: `enough` items are enough, or all there are; any number below `more` is too few.
    let (mut more, mut enough) = (0, order.len());
    while more < enough {
        let middle = more + (enough - more) / 2;
        if is_enough(&first(middle)) { enough = middle } else { more = middle + 1 }
    }
    first(enough)
}
