//! The walkers, behind one small interface.
//!
//! A walker visits everything in some trees and commits what it sees, a directory at a time, to
//! each tree's [`TreeWalk`]. What counts, and how, is decided in `tree.rs` and `batch.rs`, once; a
//! walker only knows how to get from one directory to the next.

mod batch;
mod native;
mod portable;
mod reading;
mod tree;
mod turn;

use super::jobs::Pool;
use crate::stop::StopFlag;

pub(super) use reading::Reading;
pub(super) use tree::{MOST_OPENED, Top, TreeWalk};
pub(super) use turn::Turn;

/// How to walk. Both count alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Walker {
    /// Directory descriptors and the bare system calls: a task a directory.
    #[default]
    Native,
    /// The `jwalk` library, by path: slower, and a tree whose paths exceed the system's limit counts
    /// as partly unreadable. Tests and benchmarks hold the other walker against it.
    Portable,
}

impl Walker {
    pub(super) fn walk(self, trees: &[TreeWalk<'_>], pool: &Pool, stop: &StopFlag) {
        match self {
            Self::Native => native::walk(trees, pool, stop),
            Self::Portable => portable::walk(trees, &pool.threads, stop),
        }
    }
}
