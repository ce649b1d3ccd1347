//! How big things are.
//!
//! A [`Usage`] is the account of one tree, and adds up. [`Meter`] makes such accounts: it walks many
//! trees at once on one pool of threads, while the caller may watch them grow in a [`Progress`]. The
//! walkers themselves are in `walk/`; what hard links do to a sum is in `links.rs`, what shared data
//! does, in `sharing/`. What fills a single tree is a [`Breakdown`].

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
