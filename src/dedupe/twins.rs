//! Which of some files that may be equal will share the data of which.
//!
//! Files that share all of their data form a set. One set stays as it is, and the files of the
//! others come to share its data. A set frees its space only when its last file is done, so doing
//! part of it gains nothing.
//!
//! A file whose data is also used elsewhere (by a microVM's clone, a snapshot, or an unknown file)
//! frees nothing. So its set is the best one to stay, and files in other sets of this kind are left
//! out: deduplicating those would only cost space for metadata.

use std::cmp::Reverse;

use super::group::{Destination, SetId, TreeId};
use super::layout::Layout;
use crate::fs::MappedExtent;

/// The roles that a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Source or destination.
    Any,
    /// Source only: others may share its data, but its own stays, since another name of it was seen
    /// before.
    Source,
    /// Neither: it only uses data.
    Witness,
}

/// One of the files.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The tree of the file; trees are numbered from newest to oldest.
    pub tree: TreeId,
    pub part: Part,
    /// The number of names it has.
    pub links: u64,
    pub layout: Layout,
}

/// The decision about files with the same path and size.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    pub source: TreeId,
    pub source_set: SetId,
    pub destinations: Vec<Destination>,
    /// Those left out because their data is also used elsewhere.
    pub held: Vec<TreeId>,
}

/// Files that share all of their data.
struct Set<'t> {
    twins: Vec<&'t Twin>,
    is_held: bool,
}

/// Decides about files whose last blocks end at `end`.
pub fn pair(twins: &[Twin], end: u64) -> Pairing {
    let held = held_elsewhere(twins);
    let mut sets = Vec::<Set<'_>>::new();
    for (twin, is_held) in twins.iter().zip(held) {
        if twin.part == Part::Witness {
            continue;
        }
        let same =
            |set: &&mut Set<'_>| set.twins[0].layout.differences(&twin.layout, end).is_empty();
        match sets.iter_mut().find(same) {
            Some(set) => {
                set.twins.push(twin);
                set.is_held |= is_held;
            }
            None => sets.push(Set { twins: vec![twin], is_held }),
        }
    }
    choose(&sets, end)
}

fn choose(sets: &[Set<'_>], end: u64) -> Pairing {
    let mut pairing = Pairing::default();
    let numbered = sets.iter().enumerate();
    let Some((number, best)) = numbered.clone().max_by_key(|(_, set)| rank(set)) else {
        return pairing;
    };
    (pairing.source, pairing.source_set) = (best.newest(), number as SetId);
    for (set_id, set) in numbered.filter(|(other, _)| *other != number) {
        let trees = set.twins.iter().filter(|twin| twin.part == Part::Any).map(|twin| twin.tree);
        if set.is_held {
            pairing.held.extend(trees);
            continue;
        }
        let layout = &set.twins[0].layout;
        let differences = layout.differences(&best.twins[0].layout, end);
        let bytes = layout.bytes_within(&differences);
        let whole = matches!(&differences[..], [range] if *range == (0..end));
        let destination = |tree| Destination { tree, set: set_id as SetId, bytes, whole };
        pairing.destinations.extend(trees.map(destination));
    }
    pairing
}

impl Set<'_> {
    fn newest(&self) -> TreeId {
        self.twins.iter().map(|twin| twin.tree).min().unwrap_or_default()
    }
}

/// The sort key for the set that stays: the maximum. A file with holes ranks above one without,
/// because the others get its holes, and a compressed file above an uncompressed one.
fn rank(set: &Set<'_>) -> impl Ord + use<> {
    let layout = &set.twins[0].layout;
    let holders: u64 = set.twins.iter().map(|twin| twin.links).sum();
    (set.is_held, Reverse(layout.bytes()), layout.is_encoded(), holders, Reverse(set.newest()))
}

/// For each file, whether its data is also used by something that cannot come to share other data.
fn held_elsewhere(twins: &[Twin]) -> Vec<bool> {
    let mut held = vec![false; twins.len()];
    let mut extents: Vec<_> = twins
        .iter()
        .enumerate()
        .flat_map(|(number, twin)| {
            twin.layout.extents().iter().map(move |extent| (number, *extent))
        })
        .collect();
    if !extents.iter().any(|(_, extent)| extent.is_shared) {
        return held;
    }
    extents.sort_unstable_by_key(|(_, extent)| extent.physical);
    let mut rest = &extents[..];
    while !rest.is_empty() {
        let (cluster, behind) = rest.split_at(cluster_length(rest));
        rest = behind;
        let is_witness = |&(number, _): &(usize, MappedExtent)| twins[number].part == Part::Witness;
        let mut known =
            cluster.iter().filter(|&found| !is_witness(found)).map(|(number, _)| number);
        let first = known.next();
        let is_known = known.any(|number| Some(number) != first);
        let has_witness = cluster.iter().any(is_witness);
        for (number, extent) in cluster {
            held[*number] |= extent.is_shared && (has_witness || !is_known);
        }
    }
    held
}

/// The number of extents, from the first on, that overlap with an earlier one.
fn cluster_length(extents: &[(usize, MappedExtent)]) -> usize {
    let mut end = 0;
    let apart = extents.iter().enumerate().position(|(index, (_, extent))| {
        let is_apart = index > 0 && extent.physical >= end;
        // Compressed data takes less space than its length, but it is unknown how much.
        let length = if extent.is_encoded { 1 } else { extent.length };
        end = end.max(extent.physical.saturating_add(length));
        is_apart
    });
    apart.unwrap_or(extents.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 8;

    fn twin(tree: TreeId, physical: u64) -> Twin {
        let extent =
            MappedExtent { logical: 0, physical, length: END, is_shared: false, is_encoded: false };
        Twin { tree, part: Part::Any, links: 1, layout: Layout::new(vec![extent], END) }
    }

    fn with(twin: Twin, change: impl Fn(&mut MappedExtent)) -> Twin {
        let mut extents = twin.layout.extents().to_vec();
        extents.iter_mut().for_each(change);
        Twin { layout: Layout::new(extents, END), ..twin }
    }

    fn shared(tree: TreeId, physical: u64) -> Twin {
        with(twin(tree, physical), |extent| extent.is_shared = true)
    }

    fn witness(tree: TreeId, physical: u64) -> Twin {
        Twin { part: Part::Witness, ..shared(tree, physical) }
    }

    fn sparse(tree: TreeId, physical: u64) -> Twin {
        with(twin(tree, physical), |extent| extent.length = 3)
    }

    fn encoded(tree: TreeId, physical: u64) -> Twin {
        with(twin(tree, physical), |extent| extent.is_encoded = true)
    }

    /// The source, the destinations, and the files whose data is used elsewhere.
    fn found(twins: &[Twin]) -> (TreeId, Vec<TreeId>, Vec<TreeId>) {
        let pairing = pair(twins, END);
        let destinations = pairing.destinations.iter().map(|found| found.tree).collect();
        (pairing.source, destinations, pairing.held)
    }

    #[test]
    fn the_source_costs_least_and_data_used_elsewhere_is_left_alone() {
        for (what, twins, expected) in [
            ("the newest", vec![twin(0, 10), twin(1, 30)], (0, vec![1], vec![])),
            ("most holders", vec![twin(0, 10), shared(1, 30), shared(2, 30)], (1, vec![0], vec![])),
            (
                "names are holders",
                vec![twin(0, 10), Twin { links: 2, ..twin(1, 30) }],
                (1, vec![0], vec![]),
            ),
            (
                "compressed before holders",
                vec![shared(0, 10), shared(1, 10), encoded(2, 30)],
                (2, vec![0, 1], vec![]),
            ),
            ("sparse before compressed", vec![encoded(0, 10), sparse(1, 30)], (1, vec![0], vec![])),
            ("held before sparse", vec![sparse(0, 10), shared(1, 30)], (1, vec![0], vec![])),
            (
                "held by a clone",
                vec![twin(0, 10), shared(1, 30), witness(2, 30)],
                (1, vec![0], vec![]),
            ),
            (
                "held by a clone and another",
                vec![twin(0, 10), shared(1, 30), shared(2, 30), witness(3, 30)],
                (1, vec![0], vec![]),
            ),
            ("two are held", vec![shared(0, 10), shared(1, 30)], (0, vec![], vec![1])),
            ("all share", vec![shared(0, 10), shared(1, 10)], (0, vec![], vec![])),
            (
                "another name",
                vec![twin(0, 10), Twin { part: Part::Source, ..twin(1, 30) }],
                (0, vec![], vec![]),
            ),
            ("a clone alone", vec![witness(0, 10), twin(1, 30)], (1, vec![], vec![])),
        ] {
            assert_eq!(found(&twins), expected, "{what}");
        }
    }

    #[test]
    fn a_set_frees_its_unshared_bytes_once() {
        let twins = [twin(0, 10), shared(1, 30), shared(2, 30), twin(3, 50), twin(4, 10)];
        let twins = [&twins[..], &[shared(5, 10)]].concat();
        let pairing = pair(&twins, END);
        let found: Vec<_> =
            pairing.destinations.iter().map(|d| (d.tree, d.set, d.bytes, d.whole)).collect();
        assert_eq!((pairing.source, pairing.source_set), (0, 0));
        assert_eq!(found, [(1, 1, 8, true), (2, 1, 8, true), (3, 2, 8, true)]);
        let half = with(twin(6, 10), |extent| extent.length = 4);
        let [found] = &pair(&[half, twin(7, 10)], END).destinations[..] else { panic!("one") };
        assert_eq!((found.tree, found.bytes, found.whole), (7, 4, false));
    }
}
