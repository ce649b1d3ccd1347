//! A whole collection: gather evidence, plan, measure, sweep.
//!
//! This does in three lines what the commands `gc`, `rm` and `purge` do: open the cache with its
//! lock, make a [`Draft`] with [`plan()`], [`plan_rm`] or [`plan_purge`], and [`run`] its plan. A
//! [`Reporter`] receives the progress and can stop the collection; pass `()` for none. For a dry
//! run, open the cache without the lock and call [`Draft::measure`].
//!
//! ```
//! use bbox_cache::cache::{Cache, Patience};
//! use bbox_cache::gc;
//! use bbox_cache::plan::GcOptions;
//! use bbox_cache::{Jobs, StopFlag};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let directory = home.path();
//! let opened = Cache::open_locked(directory, &StopFlag::new(), |_| Patience::Wait)?;
//! let Some(cache) = opened else { return Ok(()) };
//! let draft = gc::plan(&cache, &GcOptions::default(), Jobs::default(), &mut ())?;
//! let done = gc::run(&cache, draft.plan, Jobs::default(), &mut ())?;
//! println!("at least {} bytes freed", done.freed().certain().as_u64());
//! # Ok(())
//! # }
//! ```

mod draft;
mod gather;
mod measure;
mod prepare;
mod reporter;
mod run;

pub use draft::{Draft, Group, Left, Measured, measure_left, measure_plan};
pub use gather::gather;
pub use measure::{measure, measure_cache};
pub use prepare::{plan, plan_listed, plan_purge, plan_rm};
pub use reporter::{Detail, Reporter};
pub use run::{Done, run};
