//! The breakdown of a tree: the size of each of its directories, and its largest files.
//!
//! It takes no second walk. The walkers number the directories they meet, each thread commits its
//! counts under such a number, and a [`Recorder`] collects them (`recorder.rs`). At the end the
//! sums are added up from every directory to its parent. An inode with several names counts in the
//! lowest directory that contains all of them. So no sum counts it twice, and no sum depends on
//! which thread came first.

mod below;
mod dir_id;
mod dir_names;
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
