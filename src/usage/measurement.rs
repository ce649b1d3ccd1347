//! What came of a measurement: an account for each tree, and sums that count nothing twice.

use bytesize::ByteSize;

use super::links::{Links, Overlap};
use super::{Problems, Usage};

/// The account of one tree.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub usage: Usage,
    pub links: Links,
    pub problems: Problems,
}

/// The accounts of several trees, in the order in which the trees were given.
#[derive(Debug, Default)]
pub struct Measurement {
    accounts: Vec<Account>,
}

impl Measurement {
    pub(super) fn new(accounts: Vec<Account>) -> Self {
        Self { accounts }
    }

    /// How many trees were measured.
    pub fn trees(&self) -> usize {
        self.accounts.len()
    }

    /// The account of one tree; an inode counts once in it.
    pub fn usage(&self, tree: usize) -> Usage {
        self.accounts[tree].usage
    }

    /// What could not be read in one tree.
    pub fn problems(&self, tree: usize) -> &Problems {
        &self.accounts[tree].problems
    }

    /// The account of several trees together: an inode counts once in all of them.
    pub fn total(&self, trees: impl IntoIterator<Item = usize>) -> Usage {
        self.together(trees).0
    }

    /// Bytes on disk that removing these trees together gives back: an inode that has a name
    /// elsewhere stays. Shared extents are not taken into account.
    pub fn reclaimable(&self, trees: impl IntoIterator<Item = usize>) -> ByteSize {
        let (total, overlap) = self.together(trees);
        total.on_disk - overlap.held_elsewhere
    }

    fn together(&self, trees: impl IntoIterator<Item = usize>) -> (Usage, Overlap) {
        let accounts: Vec<_> = trees.into_iter().map(|tree| &self.accounts[tree]).collect();
        let mut total: Usage = accounts.iter().map(|account| account.usage).sum();
        let overlap = Overlap::of(accounts.iter().map(|account| &account.links));
        total.apparent -= overlap.apparent;
        total.on_disk -= overlap.on_disk;
        (total, overlap)
    }
}
