//! See and collect the image cache of Brood Box.
//!
//! Brood Box runs coding agents in microVMs, and keeps every image it has pulled as an extracted
//! tree of some 800 MB in a cache directory. Rebuilt images leave their older builds behind. This
//! crate says what lies in such a cache and how big it is, decides what may go, and removes it: in
//! parallel, and without a moment at which an image is half there.
//!
//! It is a pipeline, a module a step:
//!
//! - [`cache`]: what lies there. A [`Cache`](cache::Cache) is an open directory, its
//!   [`Inventory`](cache::Inventory) one cheap look at it.
//! - [`usage`]: how big it is. A [`Meter`](usage::Meter) walks many trees at once.
//! - [`plan`]: what may go, and why. Functions of their arguments, nothing else.
//! - [`sweep`](mod@sweep): makes it gone.
//! - `cli`, behind the feature of that name: the programs `bbox` and `bbox-cache`, the only part
//!   that prints.
//!
//! Sizes are bytes, as [`ByteSize`](bytesize::ByteSize), and say whether they are apparent (lengths) or
//! on disk (blocks). Names come from whoever built an image: they are safe to print only where that is
//! said, and [`Escaped`] makes them so. What will grow is `#[non_exhaustive]`.
//!
//! What a collection would remove, and how big that is:
//!
//! ```
//! use bbox_cache::{Jobs, StopFlag};
//! use bbox_cache::cache::Cache;
//! use bbox_cache::gc;
//! use bbox_cache::jiff::Timestamp;
//! use bbox_cache::plan::{self, Activity, GcOptions};
//! use bbox_cache::usage::Meter;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::time::{Duration, SystemTime};
//! # let home = tempfile::tempdir()?;
//! # let image = home.path().join("sha256-9803");
//! # std::fs::create_dir(&image)?;
//! # std::fs::File::open(&image)?.set_modified(SystemTime::now() - Duration::from_secs(60))?;
//! # let directory = home.path();
//! let Some(cache) = Cache::open(directory)? else { return Ok(()) };
//! let inventory = cache.settled_inventory(&StopFlag::new())?;
//! let evidence = gc::gather(&cache, &inventory, Timestamp::now(), Activity::default());
//! let mut plan = plan::gc(&inventory, &GcOptions::default(), &evidence);
//! let to_remove = plan.to_remove();
//! let meter = Meter::new(Jobs::default());
//! let measurement = meter.measure(&cache, &to_remove, &StopFlag::new(), &mut |_| {})?;
//! let freed = plan.note_usage(&measurement);
//! for decision in plan.removals() {
//!     println!("{}: {}", decision.item.location(), decision.verdict.reason());
//! }
//! println!("{} in all", freed.certain());
//! # assert_eq!(plan.removals().count(), 1);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod cache;
#[cfg(feature = "cli")]
pub mod cli;
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

// Their types are in the signatures: whoever takes them from here has the same versions.
pub use {bytesize, crossbeam_channel, jiff};

pub use error::{Error, Problems, Result};
pub use escape::Escaped;
pub use jobs::Jobs;
pub use stop::StopFlag;
