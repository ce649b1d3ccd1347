//! The walkers, behind one small interface.
//!
//! A walker visits everything in some trees and commits what it sees, a directory at a time, to
//! each tree's [`TreeWalk`]. What counts, and how, is decided in `tree.rs` and `batch.rs`, once; a
//! walker only knows how to get from one directory to the next.

mod batch;
mod mount_points;
mod native;
mod portable;
mod reading;
mod survey;
mod tree;
mod walker;

pub(super) use mount_points::AllMountPoints;
pub(super) use reading::{Reading, Turn};
pub(crate) use survey::{Page, Survey, Surveys};
pub(crate) use tree::MOST_OPENED;
pub(super) use tree::{Top, TreeWalk};
pub use walker::Walker;
