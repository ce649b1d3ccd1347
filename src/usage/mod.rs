//! How big things are.
//!
//! A [`Usage`] is the account of one tree, and adds up. [`Meter`] makes such accounts: it walks many
//! trees at once on one pool of threads, while a face may watch them grow in a [`Progress`]. The
//! walkers themselves are in `walk/`; what hard links do to a sum is in `links.rs`, what shared data
//! does, in `sharing/`. What fills a single tree is a [`Breakdown`].

mod breakdown;
mod census;
mod jobs;
mod links;
mod measurement;
mod meter;
mod problems;
mod sharing;
mod tally;
mod walk;

use std::ops::AddAssign;

use bytesize::ByteSize;

use crate::directory::Status;

pub use breakdown::{Breakdown, LargeFile, Part};
pub use census::Census;
pub(crate) use census::folder_usage;
pub use jobs::Jobs;
pub(crate) use jobs::Pool;
pub use measurement::{Extents, Measurement};
pub use meter::Meter;
pub use problems::Problems;
pub use sharing::Estimate;
pub use tally::{Progress, Stage, Tally};
pub use walk::Walker;

/// What a tree amounts to. Every inode counts once, however many names it has in the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Length of everything that is not a directory.
    pub apparent: ByteSize,
    /// Allocated blocks of everything, directories included: what `du` says.
    pub on_disk: ByteSize,
    /// Names of everything that is not a directory.
    pub files: u64,
    /// Directories, the top one included.
    pub directories: u64,
    /// What could not be looked at. Unless this is 0, everything above is "at least".
    pub unreadable: u64,
}

impl Usage {
    /// Adds the bytes of an inode that is not a directory.
    pub(crate) fn add_bytes(&mut self, status: &Status) {
        self.apparent += ByteSize::b(status.size);
        self.on_disk += ByteSize::b(status.on_disk());
    }

    /// Whether everything could be looked at.
    pub fn is_complete(&self) -> bool {
        self.unreadable == 0
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.apparent += other.apparent;
        self.on_disk += other.on_disk;
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
