//! What one directory adds to its tree.

use bytesize::ByteSize;

use crate::fs::{DataFile, Holding, InodeId, Kind, Status};
use crate::usage::amounts::Usage;
use crate::usage::breakdown::{DirId, Layout, Name};
use crate::usage::links::Link;
use crate::usage::sharing::Record;
use crate::usage::size::sum;

/// How many names of inodes with several, or shared extents, a batch holds at most.
const MOST_HELD: usize = 1024;

/// What has been counted and not been handed in, collected by one thread.
#[derive(Default)]
pub(in crate::usage) struct Batch {
    /// The directory in which all of it lies.
    pub dir: DirId,
    pub usage: Usage,
    /// When anything of it was changed last, as a [`Status`] says it.
    pub newest: (i64, u32),
    /// Names of inodes with several, which only the whole tree can count.
    pub linked: Vec<Link>,
    pub holding: Holding,
    pub records: Vec<Record>,
    /// The names of files, and where their data lies, if every name is kept.
    pub names: Vec<Name>,
    pub layouts: Vec<(InodeId, Layout)>,
    /// Files that are still to be looked into.
    pub opened: Vec<(DataFile, Status)>,
}

impl Batch {
    /// For what lies in a directory.
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

    /// Whether it should be handed in before it grows.
    pub fn is_full(&self) -> bool {
        self.linked.len() >= MOST_HELD || self.records.len() >= MOST_HELD
    }

    /// Whether there is more in it than numbers.
    pub fn is_for_the_tree(&self) -> bool {
        !(self.linked.is_empty() && self.records.is_empty() && self.holding == Holding::default())
    }
}
