//! Hard links: an inode with several names counts once.
//!
//! Only inodes with more than one name are recorded here, and each is dropped as soon as all its
//! names have been seen. The inodes that remain after a tree has been walked have names outside the
//! tree: removing the tree does not free them, and a sum over several trees must not count them
//! again.
//!
//! There may be millions of them, so they are stored in a sorted list without gaps, 40 bytes each.
//! Newly seen names go to a short list of their own, which is merged in place when it has grown to
//! an eighth.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytesize::ByteSize;

use super::amounts::Usage;
use super::size::sum;
use crate::fs::{InodeId, Status};

/// The smallest number of names that is worth a merge.
const FEWEST: usize = 4096;

/// An inode with names that have not been seen yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    inode: InodeId,
    /// Number of names it has.
    names: u32,
    seen: u32,
    apparent: u64,
    on_disk: u64,
}

impl From<&Status> for Link {
    /// No file system allows more names per inode than this can count.
    fn from(status: &Status) -> Self {
        Self {
            inode: status.inode,
            names: u32::try_from(status.links).unwrap_or(u32::MAX),
            seen: 1,
            apparent: status.size,
            on_disk: status.on_disk(),
        }
    }
}

/// The hard-linked inodes of one tree.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Sorted by inode, each once.
    known: Vec<Link>,
    /// Names seen since the last merge.
    fresh: Vec<Link>,
}

impl Links {
    /// Records names of inodes with several names. Returns the bytes of inodes found to be new in
    /// the meantime.
    pub fn see(&mut self, names: &[Link]) -> Usage {
        self.fresh.extend_from_slice(names);
        if self.fresh.len() < FEWEST.max(self.known.len() / 8) {
            Usage::default()
        } else {
            self.settle()
        }
    }

    /// Merges all names seen so far. Returns the bytes of inodes that are new.
    pub fn settle(&mut self) -> Usage {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable_by_key(|link| link.inode);
        fresh.dedup_by(|name, link| link.absorb(name));
        fresh.retain(|link| !self.absorb(link));
        let new = fresh.iter().map(Link::bytes).sum();
        self.insert(&fresh);
        self.known.retain(|link| link.seen < link.names);
        fresh.clear();
        self.fresh = fresh;
        new
    }

    /// The inodes with names elsewhere, once all names have been settled.
    pub fn spread(&self) -> impl Iterator<Item = InodeId> {
        self.known.iter().map(|link| link.inode)
    }

    /// The bytes on disk of these inodes.
    pub fn spread_bytes(&self) -> u64 {
        self.known.iter().map(|link| link.on_disk).fold(0, u64::saturating_add)
    }

    /// Adds names to an inode if it is known.
    fn absorb(&mut self, names: &Link) -> bool {
        let found = self.known.binary_search_by_key(&names.inode, |link| link.inode);
        found.is_ok_and(|place| self.known[place].absorb(names))
    }

    /// Merges new sorted inodes from the back, so that no other list is needed.
    fn insert(&mut self, new: &[Link]) {
        let (mut left, mut right) = (self.known.len(), new.len());
        self.known.extend_from_slice(new);
        while right > 0 {
            let place = left + right - 1;
            if left > 0 && self.known[left - 1].inode > new[right - 1].inode {
                left -= 1;
                self.known[place] = self.known[left];
            } else {
                right -= 1;
                self.known[place] = new[right];
            }
        }
    }
}

impl Link {
    pub fn inode(&self) -> InodeId {
        self.inode
    }

    /// The bytes of the inode.
    pub fn bytes(&self) -> Usage {
        let (apparent, on_disk) = (ByteSize::b(self.apparent), ByteSize::b(self.on_disk));
        Usage { apparent, on_disk, ..Usage::default() }
    }

    /// Adds the seen names of `other` if it is the same inode.
    fn absorb(&mut self, other: &Self) -> bool {
        let is_same = self.inode == other.inode;
        if is_same {
            self.seen = self.seen.saturating_add(other.seen);
        }
        is_same
    }
}

/// The bytes that a sum over several trees has to subtract.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overlap {
    /// Bytes counted by more than one tree, once for each tree but the first.
    pub apparent: ByteSize,
    /// Bytes on disk counted by more than one tree.
    pub on_disk: ByteSize,
    /// Bytes on disk of inodes that also have a name outside the trees.
    pub held_elsewhere: ByteSize,
}

impl Overlap {
    /// The overlap of trees whose names are all settled. Calls `each` with every inode that is not
    /// confined to one tree, and whether these trees together have all its names.
    pub fn new<'l>(
        trees: impl Iterator<Item = &'l Links>,
        mut each: impl FnMut(InodeId, bool),
    ) -> Self {
        let mut lists: Vec<&[Link]> = trees.map(|links| &links.known[..]).collect();
        let head = |tree: usize, list: &[Link]| Some(Reverse((list.first()?.inode, tree)));
        let heads = lists.iter().enumerate().filter_map(|(tree, list)| head(tree, list));
        let mut heads: BinaryHeap<_> = heads.collect();
        let (mut overlap, mut current) = (Self::default(), None::<Link>);
        while let Some(Reverse((_, tree))) = heads.pop() {
            let Some((link, rest)) = lists[tree].split_first() else { continue };
            lists[tree] = rest;
            heads.extend(head(tree, rest));
            if current.as_mut().is_some_and(|current| current.absorb(link)) {
                overlap.apparent = sum(overlap.apparent, ByteSize::b(link.apparent));
                overlap.on_disk = sum(overlap.on_disk, ByteSize::b(link.on_disk));
            } else {
                overlap.finish(current.replace(*link), &mut each);
            }
        }
        overlap.finish(current, &mut each);
        overlap
    }

    fn finish(&mut self, link: Option<Link>, each: &mut impl FnMut(InodeId, bool)) {
        let Some(link) = link else { return };
        let is_whole = link.seen >= link.names;
        if !is_whole {
            self.held_elsewhere = sum(self.held_elsewhere, ByteSize::b(link.on_disk));
        }
        each(link.inode, is_whole);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn name(number: u64, names: u32) -> Link {
        let inode = InodeId { device: 1, number };
        Link { inode, names, seen: 1, apparent: 100, on_disk: 4096 }
    }

    fn settled(names: &[Link]) -> (Links, u64) {
        let mut links = Links::default();
        let new = links.see(names).on_disk + links.settle().on_disk;
        (links, new.as_u64())
    }

    #[test]
    fn an_inode_counts_once_and_is_dropped_with_its_last_name() {
        let mut links = Links::default();
        assert_eq!(links.see(&[name(1, 3)]), Usage::default());
        assert_eq!(links.settle().on_disk.as_u64(), 4096);
        links.see(&[name(1, 3), name(1, 3)]);
        assert_eq!(links.settle(), Usage::default());
        assert!(links.known.is_empty());
    }

    #[test]
    fn a_name_elsewhere_keeps_the_inode_until_it_is_in_the_sum() {
        let (here, _) = settled(&[name(1, 2), name(2, 3)]);
        let (there, _) = settled(&[name(1, 2)]);
        let alone = Overlap::new([&here].into_iter(), |_, is_whole| assert!(!is_whole));
        assert_eq!(alone.held_elsewhere.as_u64(), 2 * 4096);
        let both = Overlap::new([&here, &there].into_iter(), |inode, is_whole| {
            assert_eq!(is_whole, inode.number == 1);
        });
        assert_eq!((both.on_disk.as_u64(), both.apparent.as_u64()), (4096, 100));
        assert_eq!(both.held_elsewhere.as_u64(), 4096);
    }

    #[test]
    fn many_names_are_settled_on_the_way() {
        let mut links = Links::default();
        let new: u64 = (0..3 * FEWEST as u64)
            .rev()
            .map(|number| links.see(&[name(number, 2)]).on_disk.as_u64())
            .sum();
        assert_eq!(new, 3 * 4096 * FEWEST as u64);
        assert!(links.known.is_sorted_by_key(|link| link.inode) && links.fresh.is_empty());
    }

    proptest! {
        #[test]
        fn sums_in_any_order_equal_those_of_a_map(
            trees in vec(vec(vec(0..30u64, 0..20), 0..6), 1..5),
        ) {
            // More than can be seen.
            const NAMES: u32 = 1000;
            let mut seen = HashMap::<u64, u32>::new();
            let (mut all, mut sum) = (Vec::new(), 0);
            for tree in &trees {
                let mut links = Links::default();
                for batch in tree {
                    let names: Vec<_> = batch.iter().map(|&number| name(number, NAMES)).collect();
                    batch.iter().for_each(|&number| *seen.entry(number).or_default() += 1);
                    links.see(&names);
                    sum += links.settle().on_disk.as_u64();
                }
                all.push(links);
            }
            let overlap = Overlap::new(all.iter(), |_, _| {});
            prop_assert_eq!(sum - overlap.on_disk.as_u64(), 4096 * seen.len() as u64);
            prop_assert_eq!(overlap.held_elsewhere.as_u64(), 4096 * seen.len() as u64);
        }
    }
}
