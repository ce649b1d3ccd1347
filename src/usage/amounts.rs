//! What a tree amounts to.

use std::ops::AddAssign;

use bytesize::ByteSize;

use super::size::{MOST, Size, sum};
use crate::fs::Status;

/// What a tree amounts to. Every inode counts once, however many names it has in the tree. By default,
/// nothing; `+=` and `sum` add up accounts of trees that have no inode in common:
/// [`Measurement::total`](super::Measurement::total) is for those that may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    pub(super) apparent: ByteSize,
    pub(super) on_disk: ByteSize,
    /// How many names there are of everything that is not a directory.
    pub files: u64,
    /// How many directories there are, the top one included.
    pub directories: u64,
    /// How much could not be looked at. Unless this is 0, everything else is "at least".
    pub unreadable: u64,
}

impl Usage {
    /// A directory that occupies so much, without what is in it.
    pub(crate) fn from_directory(on_disk: ByteSize) -> Self {
        Self { directories: 1, on_disk, ..Self::default() }
    }

    /// Apparent bytes: the length of everything that is not a directory.
    pub fn apparent(&self) -> Size {
        Size::new(self.apparent, self.is_complete())
    }

    /// Bytes on disk: the allocated blocks of everything, directories included, as `du` says.
    pub fn on_disk(&self) -> Size {
        Size::new(self.on_disk, self.is_complete())
    }

    /// Adds the bytes of an inode that is not a directory.
    pub(crate) fn add_bytes(&mut self, status: &Status) {
        self.apparent = sum(self.apparent, ByteSize::b(status.size));
        self.on_disk = sum(self.on_disk, ByteSize::b(status.on_disk()));
    }

    /// Leaves out bytes that are in it twice. What is beyond all numbers stays there.
    pub(super) fn leave_out(&mut self, apparent: ByteSize, on_disk: ByteSize) {
        for (bytes, twice) in [(&mut self.apparent, apparent), (&mut self.on_disk, on_disk)] {
            if *bytes < MOST {
                *bytes = ByteSize::b(bytes.as_u64().saturating_sub(twice.as_u64()));
            }
        }
    }

    /// Whether everything could be looked at.
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
