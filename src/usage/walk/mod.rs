//! The walkers, behind one small interface.
//!
//! A walker visits everything in some trees and commits what it sees to each tree's [`TreeWalk`],
//! one directory at a time. `tree.rs` and `batch.rs` alone decide what counts, and how. A walker
//! only knows how to get from one directory to the next.

mod batch;
mod mount_points;
mod native;
mod portable;
mod reading;
mod survey;
mod top;
mod tree;
mod walker;

pub(super) use mount_points::AllMountPoints;
pub(crate) use reading::MOST_OPENED;
pub(super) use reading::{Moment, Reading, Turn};
pub(crate) use survey::{Page, Survey, Surveys};
pub(super) use top::Top;

pub(super) use tree::TreeWalk;
pub use walker::Walker;
