//! Inspect and clean up Brood Box's image cache.
//!
//! Brood Box runs coding agents in microVMs. Every image it pulls stays in a cache directory as an
//! extracted tree of some 800 MB, and each rebuild leaves the older builds behind. This crate
//! reports what is in the cache and how big it is, decides what can be removed, and removes it: in
//! parallel, and without an image ever being half there.
//!
//! The crate is a pipeline with one module per step. Each module imports only from those above it:
//!
//! - [`cache`]: what is in the cache. A [`Cache`](cache::Cache) is an open directory, an
//!   [`Inventory`](cache::Inventory) one cheap snapshot of it.
//! - [`usage`]: how big it is. A [`Meter`](usage::Meter) walks many trees in parallel.
//! - [`plan`]: what to remove, and why. Pure functions.
//! - [`sweep`](mod@sweep): carries out a plan.
//! - [`gc`]: one collection from start to end. Start here.
//! - [`dedupe`]: makes equal files share their data, which frees space without removing anything.
//! - `cli`, behind the feature of that name: the programs `bbox` and `bbox-cache`. The only part
//!   that prints.
//!
//! Sizes are [`ByteSize`](bytesize::ByteSize) values in bytes, either apparent (file lengths) or on
//! disk (allocated blocks). File names and references come from the builder of the image. They are
//! safe to print only if their documentation says so; [`Escaped`] makes them safe. Types that may
//! grow are `#[non_exhaustive]`.
//!
//! Print what a collection would remove, why, and how much that would free:
//!
//! ```
//! use bbox_cache::Jobs;
//! use bbox_cache::cache::Cache;
//! use bbox_cache::gc;
//! use bbox_cache::plan::GcOptions;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::time::{Duration, SystemTime};
//! # let home = tempfile::tempdir()?;
//! # let image = home.path().join("sha256-9803");
//! # std::fs::create_dir(&image)?;
//! # std::fs::write(image.join(".oci-config.json"), "{}")?;
//! # std::fs::File::open(&image)?.set_modified(SystemTime::now() - Duration::from_secs(3600))?;
//! # let directory = home.path();
//! let Some(cache) = Cache::open(directory)? else { return Ok(()) };
//! let mut draft = gc::plan(&cache, &GcOptions::default(), Jobs::default(), &mut ())?;
//! let freed = draft.measure(&cache, Jobs::default(), &mut ())?.freed;
//! for decision in draft.plan.removals() {
//!     println!("{}: {}", decision.item.location(), decision.verdict.reason());
//! }
//! println!("at least {} in all", freed.certain());
//! # assert_eq!(draft.plan.removals().count(), 1);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod cache;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dedupe;
mod error;
mod escape;
mod fs;
pub mod gc;
mod jobs;
pub mod plan;
mod stop;
pub mod sweep;
#[cfg(test)]
#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod test_cache;
pub mod usage;

// Types of these crates appear in signatures. Re-exported, they always have the same version.
pub use {bytesize, crossbeam_channel, jiff};

pub use error::{Error, Problems, Result};
pub use escape::Escaped;
pub use jobs::Jobs;
pub use stop::StopFlag;
