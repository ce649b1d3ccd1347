//! In what order a limit spends, and how much of it.
//!
//! What a collection removes anyway comes first and is no matter of this order: leftovers and orphans. Then the
//! cheapest go: unreferenced layers, the rest of the layer cache (a pull extracts a lost layer once more), and at
//! last the images that may still be wanted. Each group goes by last use, so a limit loses what was missed for longest.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::decision::{Decision, Item, Plan};
use super::reason::{KeepReason, Verdict};
use crate::cache::{Entry, Location};

/// What a limit may spend, the cheapest first. `least` is the plan that spends nothing, `most` the one that spends
/// all that can be spent: what only the latter removes is in the order.
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

/// What a user loses, from nothing to an image that may be wanted.
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

/// The shortest beginning of `order` that is enough, or all of it if not even that is. If something is enough, so is
/// more. `is_enough` is asked about as often as the length of `order` has binary digits.
pub(super) fn spend(
    order: &[Location],
    is_enough: impl Fn(&HashSet<Location>) -> bool,
) -> HashSet<Location> {
    let first = |count: usize| order[..count].iter().cloned().collect::<HashSet<_>>();
    // As many as `enough` are enough, or there are no more; fewer than `more` are not.
    let (mut more, mut enough) = (0, order.len());
    while more < enough {
        let middle = more + (enough - more) / 2;
        if is_enough(&first(middle)) { enough = middle } else { more = middle + 1 }
    }
    first(enough)
}
