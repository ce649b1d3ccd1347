//! Data that several files hold: what of it counts in a sum, and what comes back with a removal.
//!
//! While trees are walked, each file on a file system that can share is asked what it holds. What it
//! shares goes into an index (`extent_index.rs`): a record an extent, with its holder. A holder is a tree, since
//! all files of a tree go together, or an inode with several names, which may lie in several trees
//! (`inodes.rs`). Sums then take one pass over the sorted index (`pass.rs`), with a line that moves
//! through extents that overlap (`sweep_line.rs`).
//!
//! A file system says of an extent that it is shared, but not with whom. So a removal gives back
//! something between two bounds, an [`Estimate`](super::Estimate):
//!
//! - what is not shared, certainly;
//! - what only the removed trees share, at most: a file that we do not know may share it, too;
//! - what only one of them holds, not at all: it is shared, so an unknown file holds it.

mod extent_index;
mod inodes;
mod pass;
mod record;
mod sweep_line;

pub(super) use extent_index::{Shared, Volumes};
pub(super) use inodes::SharedInodes;
pub(super) use record::{Holder, Record, Role};
