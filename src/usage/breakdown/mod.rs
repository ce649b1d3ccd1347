//! What fills a tree: what each of its directories amounts to, and its largest files.
//!
//! It is no second walk. The walkers number the directories that they meet, each thread hands in what
//! it has counted under such a number, and a [`Recorder`] keeps that (`recorder.rs`). At the end the
//! sums go up from every directory to the one above it. An inode with several names counts in the
//! lowest directory that has all its names in the tree below it: so no sum counts it twice, and none
//! depends on which thread was first.

mod below;
mod dir_id;
mod largest;
mod level;
mod name;
mod parts;
mod recorder;

pub use below::NoDirectory;
pub(super) use dir_id::DirId;
pub use level::{LevelFile, files_in};
pub(super) use name::{Layout, Name};
pub use parts::{Breakdown, LargeFile, Part};
pub(super) use recorder::Recorder;
