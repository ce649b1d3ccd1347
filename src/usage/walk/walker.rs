//! The choice of a walker.

use super::tree::TreeWalk;
use super::{native, portable};
use crate::jobs::Pool;
use crate::stop::StopFlag;

/// How to walk a tree. All walkers count alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Walker {
    /// Directory descriptors and plain system calls, one task per directory.
    #[default]
    Native,
    /// The `jwalk` library, by path. It is slower, and reports a tree with paths beyond the
    /// system's limit as partly unreadable. Tests and benchmarks compare the native walker with it.
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
