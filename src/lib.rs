//! See and collect the image cache of Brood Box.
//!
//! Brood Box runs coding agents in microVMs, and keeps every image it has pulled as an extracted
//! tree of some 800 MB in a cache directory. Rebuilt images leave their older builds behind. This
//! crate says what lies in such a cache and how big it is, decides what may go, and removes it: in
//! parallel, and without a moment at which an image is half there.
//!
//! It is a pipeline, one module per step; each imports only from those above it:
//!
//! - [`cache`]: what is there. A [`Cache`](cache::Cache) is an open directory, its
//!   [`Inventory`](cache::Inventory) one cheap look at it.
//! - [`usage`]: how big it is. A [`Meter`](usage::Meter) walks many trees at once.
//! - [`plan`]: what may go, and why. Functions of their arguments, nothing else.
//! - [`sweep`](mod@sweep): makes it gone.
//! - [`gc`]: one collection from start to end. Start here.
//! - [`dedupe`]: lets equal files share their data, which gives space back without removing anything.
//! - `cli`, behind the feature of that name: the programs `bbox` and `bbox-cache`, the only part
//!   that prints.
//!
//! Sizes are bytes, as [`ByteSize`](bytesize::ByteSize), and say whether they are apparent (lengths) or
//! on disk (blocks). Names come from the builder of an image: they are safe to print only where that is
//! said, and [`Escaped`] makes them so. What will grow is `#[non_exhaustive]`.
//!
//! What a collection would remove, why, and how much that frees:
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

// Their types are in the signatures: imported from here, they have the same versions.
pub use {bytesize, crossbeam_channel, jiff};

pub use error::{Error, Problems, Result};
pub use escape::Escaped;
pub use jobs::Jobs;
pub use stop::StopFlag;
