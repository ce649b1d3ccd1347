//! Files that are to share their data.

use std::cmp::Reverse;
use std::ffi::CString;

/// What gives less back than this comes last, in the order of its paths.
const LEAST_STEP: u64 = 256 << 10;

/// The number of a tree of the plan.
pub type TreeId = u32;

/// The number of a set of files that share all of their data, within their group.
pub type SetId = u32;

/// Files of one path and size in several trees. Small, since a plan may have as many as an image has files.
#[derive(Debug)]
pub struct Group {
    /// From the top of each tree on.
    pub path: CString,
    /// The size of each file.
    pub size: u64,
    /// The tree in which the file is whose data the others come to share.
    pub source: TreeId,
    pub source_set: SetId,
    /// By sets.
    pub destinations: Box<[Destination]>,
}

/// A file that is to share other data than it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    pub tree: TreeId,
    pub set: SetId,
    /// Bytes that come back once all files of its set are done.
    pub bytes: u64,
    /// Whether it shares nothing yet with the source.
    pub whole: bool,
}

impl Group {
    /// Bytes that come back once all of it is done.
    pub fn bytes(&self) -> u64 {
        let sets = self.destinations.chunk_by(|one, next| one.set == next.set);
        sets.map(|set| set[0].bytes).sum()
    }

    /// What gives most back comes first: in steps, within which files that lie side by side stay together. The rest of
    /// the disk is read, and its metadata written, the faster for that.
    pub fn order(&self) -> impl Ord + '_ {
        (Reverse(self.bytes().max(LEAST_STEP).ilog2()), &self.path)
    }

    /// Bytes that are to be compared.
    pub fn work(&self) -> u64 {
        self.size * self.destinations.len() as u64
    }
}
