//! Data held by several files: how it counts in a sum, and how much of it a removal frees.
//!
//! While trees are walked, each file on a file system that can share is asked for its extents.
//! Shared ones are added to an index (`extent_index.rs`), with one record per extent and holder. A
//! holder is a tree, because all files of a tree are removed together, or an inode with several
//! names, which may be in several trees (`inodes.rs`). A sum then takes one pass over the sorted
//! index (`pass.rs`), with a line that sweeps through overlapping extents (`sweep_line.rs`).
//!
//! A file system reports that an extent is shared, but not with whom. So a removal frees an amount
//! between two bounds, an [`Estimate`](super::Estimate):
//!
//! - data that is not shared is counted in both bounds;
//! - data shared only among the removed trees is counted in the upper bound, because an unknown
//!   file may share it, too;
//! - data with only one known holder is not counted: it is shared, so an unknown file must hold it.

mod extent_index;
mod inodes;
mod pass;
mod record;
mod sweep_line;

pub(super) use extent_index::{Shared, Volumes};
pub(super) use inodes::SharedInodes;
pub(super) use record::{Holder, Record, Role};
