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
//! - [`cli`], behind the feature of that name: the programs `bbox` and `bbox-cache`, the only part
//!   that prints.
//!
//! What a collection would remove, and how big that is:
//!
//! ```
//! use bbox_cache::StopFlag;
//! use bbox_cache::cache::Cache;
//! use bbox_cache::plan::{Conditions, collect};
//! use bbox_cache::usage::{Jobs, Meter, Progress};
//!
//! # fn main() -> bbox_cache::Result<()> {
//! # let directory = std::env::temp_dir().join("bbox-cache-that-is-not-there");
//! let Some(cache) = Cache::open(directory)? else { return Ok(()) };
//! let inventory = cache.settled_inventory(&StopFlag::new())?;
//! let (users, mounts) = (cache.users()?.unwrap_or_default(), cache.mounts()?);
//! let present = Conditions { users, mounts, ..Conditions::at(jiff::Timestamp::now()) };
//! let mut plan = collect(&inventory, &present);
//! let doomed = plan.doomed();
//! let progress = Progress::new(doomed.len(), StopFlag::new());
//! let meter = Meter::new(Jobs::default());
//! let measurement = meter.measure(&cache, &doomed, &progress)?;
//! let freed = plan.note_usage(&measurement);
//! for (_, decision) in plan.removals() {
//!     println!("{:?}: {}", decision.item.digest(), decision.verdict.reason());
//! }
//! println!("{} in all", freed.at_most);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod cache;
#[cfg(feature = "cli")]
pub mod cli;
mod directory;
mod error;
mod escape;
pub mod plan;
mod stop;
pub mod sweep;
#[cfg(test)]
#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod test_cache;
pub mod usage;

pub use error::{Error, Result};
pub use escape::Escaped;
pub use stop::StopFlag;
