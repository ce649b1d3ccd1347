//! Groups of files that are to share their data.

use std::cmp::Reverse;
use std::ffi::CString;

/// Groups that free less than this come last, ordered by path.
const LEAST_STEP: u64 = 256 << 10;

/// The index of a tree in the plan.
pub type TreeId = u32;

/// The index, within a group, of a set of files that already share all of their data.
pub type SetId = u32;

/// Files with the same path and size in several trees. Kept small, since a plan may have as many
/// groups as an image has files.
#[derive(Debug)]
pub struct Group {
    /// The path below the top of each tree.
    pub path: CString,
    /// The size of each file.
    pub size: u64,
    /// The tree with the file whose data the others will share.
    pub source: TreeId,
    pub source_set: SetId,
    /// Sorted by set.
    pub destinations: Box<[Destination]>,
}

/// A file that is to share the data of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    pub tree: TreeId,
    pub set: SetId,
    /// Bytes freed once all files of its set are done.
    pub bytes: u64,
    /// Whether it does not share any data with the source yet.
    pub whole: bool,
}

impl Group {
    /// Bytes freed once the whole group is done.
    pub fn bytes(&self) -> u64 {
        let sets = self.destinations.chunk_by(|one, next| one.set == next.set);
        sets.map(|set| set[0].bytes).sum()
    }

    /// The sort key: groups that free the most come first. Sizes are rounded to powers of two, so
    /// that neighbouring files stay together; that makes reading the data and writing the metadata
    /// faster.
    pub fn order(&self) -> impl Ord + '_ {
        (Reverse(self.bytes().max(LEAST_STEP).ilog2()), &self.path)
    }

    /// Bytes to compare.
    pub fn work(&self) -> u64 {
        self.size * self.destinations.len() as u64
    }
}
