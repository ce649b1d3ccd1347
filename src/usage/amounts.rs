//! The size of a tree and its number of files.

use std::ops::AddAssign;

use bytesize::ByteSize;

use super::size::{MOST, Size, sum};
use crate::fs::Status;

/// The size of a tree, and its number of files and directories. Every inode counts once, however
/// many names it has in the tree. The default is an empty tree. `+=` and `sum` are only for trees
/// that have no inode in common; otherwise use [`Measurement::total`](super::Measurement::total).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    pub(super) apparent: ByteSize,
    pub(super) on_disk: ByteSize,
    /// Number of names of everything but directories.
    pub files: u64,
    /// Number of directories, including the top.
    pub directories: u64,
    /// Number of items that could not be read. Unless it is 0, all other numbers are lower bounds.
    pub unreadable: u64,
}

impl Usage {
    /// A directory that occupies this much, without its contents.
    pub(crate) fn from_directory(on_disk: ByteSize) -> Self {
        Self { directories: 1, on_disk, ..Self::default() }
    }

    /// Apparent bytes: the length of everything but directories.
    pub fn apparent(&self) -> Size {
        Size::new(self.apparent, self.is_complete())
    }

    /// Bytes on disk: the allocated blocks of everything, including directories, like `du`.
    pub fn on_disk(&self) -> Size {
        Size::new(self.on_disk, self.is_complete())
    }

    /// Adds the bytes of an inode that is not a directory.
    pub(crate) fn add_bytes(&mut self, status: &Status) {
        self.apparent = sum(self.apparent, ByteSize::b(status.size));
        self.on_disk = sum(self.on_disk, ByteSize::b(status.on_disk()));
    }

    /// Subtracts bytes that were counted twice. A saturated sum stays saturated.
    pub(super) fn leave_out(&mut self, apparent: ByteSize, on_disk: ByteSize) {
        for (bytes, twice) in [(&mut self.apparent, apparent), (&mut self.on_disk, on_disk)] {
            if *bytes < MOST {
                *bytes = ByteSize::b(bytes.as_u64().saturating_sub(twice.as_u64()));
            }
        }
    }

    /// Whether everything could be read.
    pub fn is_complete(&self) -> bool {
        self.unreadable == 0
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.apparent = sum(self.apparent, other.apparent);
        self.on_disk = sum(self.on_disk, other.on_disk);
        self.files += other.files;
        self.directories += other.directories;
        self.unreadable += other.unreadable;
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        let mut total = Self::default();
        usages.for_each(|usage| total += usage);
        total
    }
}
