//! Frees space without removing anything: lets equal files of images and layers share their data.
//!
//! Rebuilt images repeat most of their base. If files can share data (btrfs and XFS on Linux), the
//! kernel compares two files under its own locks and lets both use one copy if they are equal.
//! Nothing else changes: contents, times, modes and owners stay the same, and so does what
//! [`plan`](crate::plan) decides about an image.
//!
//! There is no index of contents. The likely twin of a file has the same path in another image or
//! layer, so all trees are walked in lockstep (`survey.rs`), one directory of all of them at a
//! time. Files with the same path and size form a group. The positions of their data show which of
//! them share it already, and which one the others should share with (`twins.rs`, a pure function).
//! The groups are then processed in order of the space they free, largest first (`run.rs`,
//! `worker.rs`, `share.rs`).
//!
//! ```
//! use bbox_cache::cache::{Cache, Patience};
//! use bbox_cache::plan::GcOptions;
//! use bbox_cache::{Jobs, StopFlag, dedupe, gc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let directory = home.path();
//! let (jobs, stop) = (Jobs::default(), StopFlag::new());
//! let opened = Cache::open_locked(directory, &stop, |_| Patience::Wait)?;
//! let Some(cache) = opened else { return Ok(()) };
//! if dedupe::is_possible(&cache)? {
//!     let draft = gc::plan(&cache, &GcOptions::default(), jobs, &mut ())?;
//!     let options = dedupe::Options::default();
//!     let plan = dedupe::plan(&cache, &draft, &options, jobs, &stop, &mut |_| {})?;
//!     let outcome = dedupe::run(&cache, &plan, jobs, &stop, &mut |_| {})?;
//!     println!("{} bytes freed", outcome.freed_by_file_system());
//! }
//! # Ok(())
//! # }
//! ```

mod group;
mod layout;
mod left_out;
mod options;
mod plan;
mod progress;
mod run;
mod share;
mod survey;
mod trees;
mod twins;
mod worker;

pub use left_out::{Cause, Files, LeftOut, Reason};
pub use options::Options;
pub use plan::{Plan, Shared, is_possible, plan};
pub use progress::Progress;
pub use run::{Outcome, run};
pub use trees::{LeftOutEntry, WhyLeftOut};
