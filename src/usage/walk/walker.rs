//! Which walker.

use super::tree::TreeWalk;
use super::{native, portable};
use crate::jobs::Pool;
use crate::stop::StopFlag;

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
    pub(in crate::usage) fn walk(self, trees: &[TreeWalk<'_>], pool: &Pool, stop: &StopFlag) {
        match self {
            Self::Native => native::walk(trees, pool, stop),
            Self::Portable => portable::walk(trees, &pool.threads, stop),
        }
    }
}
