//! Measuring sizes.
//!
//! A [`Usage`] is the size of one tree. [`Meter`] measures many trees at once on one pool of
//! threads, while the caller may watch the counts grow in a [`Progress`]. The walkers are in
//! `walk/`. Hard links are handled in `links.rs`, shared data in `sharing/`. A [`Breakdown`] lists
//! what makes up a single tree.

mod amounts;
mod breakdown;
mod cache_usage;
mod comparison;
mod estimate;
mod links;
mod measurement;
mod meter;
mod progress;
mod sharing;
mod size;
mod walk;

pub use amounts::Usage;
pub use breakdown::{Breakdown, LargeFile, LevelFile, NoDirectory, Part, files_in};
pub use cache_usage::CacheUsage;
pub(crate) use cache_usage::folder_usage;
pub use comparison::{
    Alteration, Altered, ChangedDirectory, ChangedFile, Comparison, Contents, Delta,
    compare_contents,
};
pub use estimate::Estimate;
pub use measurement::{Measurement, SharedBytes, TreeId};
pub use meter::Meter;
pub use progress::{Counters, Phase, Progress};
pub use size::Size;
pub use walk::Walker;
pub(crate) use walk::{MOST_OPENED, Page, Survey, Surveys};
