//! The contribution of one directory to its tree.

use bytesize::ByteSize;

use crate::fs::{DataFile, Holding, InodeId, Kind, Status};
use crate::usage::amounts::Usage;
use crate::usage::breakdown::{DirId, Layout, Name};
use crate::usage::links::Link;
use crate::usage::sharing::Record;
use crate::usage::size::sum;

/// The most names of inodes with several names, or shared extents, in a batch.
const MOST_HELD: usize = 1024;

/// The counts of one thread that have not been committed yet.
#[derive(Default)]
pub(in crate::usage) struct Batch {
    /// The directory that contains all of it.
    pub dir: DirId,
    pub usage: Usage,
    /// When any of it was last changed, as in a [`Status`].
    pub newest: (i64, u32),
    /// Names of inodes with several names, which can only be counted for the whole tree.
    pub linked: Vec<Link>,
    pub holding: Holding,
    pub records: Vec<Record>,
    /// The names of files and their layouts, if every name is kept.
    pub names: Vec<Name>,
    pub layouts: Vec<(InodeId, Layout)>,
    /// Files that have yet to be inspected.
    pub opened: Vec<(DataFile, Status)>,
}

impl Batch {
    /// A batch for the contents of a directory.
    pub fn new(dir: DirId) -> Self {
        Self { dir, ..Self::default() }
    }

    /// Counts one inode, or one of its names.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn add(&mut self, status: &Status) {
        self.newest = self.newest.max(status.changed);
        if status.kind == Kind::Directory {
            self.usage.directories += 1;
            self.usage.on_disk = sum(self.usage.on_disk, ByteSize::b(status.on_disk()));
            return;
        }
        self.usage.files += 1;
        if status.links > 1 {
            self.linked.push(Link::from(status))
        } else {
            self.usage.add_bytes(status)
        }
    }

    /// Whether it should be committed before it grows.
    pub fn is_full(&self) -> bool {
        self.linked.len() >= MOST_HELD || self.records.len() >= MOST_HELD
    }

    /// Whether it contains more than plain counts.
    pub fn is_for_the_tree(&self) -> bool {
        !(self.linked.is_empty() && self.records.is_empty() && self.holding == Holding::default())
    }
}
