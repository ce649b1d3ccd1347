//! What could not be done in one tree, without a list that grows with the tree.

use crate::error::Error;

/// How many errors of a tree are kept: enough to see the pattern.
const KEPT: usize = 10;

/// The first few errors, and how many there were.
#[derive(Debug, Default)]
pub struct Problems {
    first: Vec<Error>,
    count: u64,
}

impl Problems {
    pub(crate) fn push(&mut self, error: Error) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(error);
        }
    }

    /// The errors that were kept, at most 10.
    pub fn first(&self) -> &[Error] {
        &self.first
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
