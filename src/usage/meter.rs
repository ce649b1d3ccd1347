//! The meter: many trees, one pool of threads.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::walk::{TreeWalk, Walker};
use super::{Measurement, Progress};
use crate::cache::{Cache, Folders, Location};
use crate::error::{Error, Result, without_number};

/// How many threads work.
///
/// Sizing and deleting wait for the disk, or for the kernel's locks, far more than they compute.
/// So the default does not follow the number of cores alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jobs(NonZeroUsize);

impl Jobs {
    /// The most threads that may be asked for.
    pub const MAX: usize = 1024;

    /// `None` for 0 and for more than [`Jobs::MAX`].
    pub fn new(jobs: usize) -> Option<Self> {
        NonZeroUsize::new(jobs).filter(|jobs| jobs.get() <= Self::MAX).map(Self)
    }

    /// The number of threads.
    pub fn get(self) -> usize {
        self.0.get()
    }

    pub(crate) fn pool(self) -> Result<rayon::ThreadPool> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.get())
            .thread_name(|index| format!("bbox-{index}"))
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let cause = without_number(&text).to_owned();
                Error::Threads { jobs: self.get(), cause }
            })
    }
}

/// Measures trees of a cache.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    jobs: Jobs,
    walker: Walker,
}

impl Meter {
    /// A meter with the fastest walker of this system.
    pub fn new(jobs: Jobs) -> Self {
        Self { jobs, walker: Walker::default() }
    }

    /// The same with another walker. Both count alike; they differ in speed.
    pub fn with_walker(self, walker: Walker) -> Self {
        Self { walker, ..self }
    }

    /// Measures everything at `locations`, which `progress` was made for. A tree that is gone
    /// counts as nothing.
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped. What goes wrong at a location is in the
    /// measurement.
    pub fn measure(
        &self,
        cache: &Cache,
        locations: &[Location],
        progress: &Progress,
    ) -> Result<Measurement> {
        let folders = Folders::open(cache);
        let walks: Vec<_> = locations
            .iter()
            .zip(progress.tallies())
            .map(|(location, tally)| TreeWalk::new(cache, &folders, location, tally))
            .collect();
        self.walker.walk(&walks, Arc::new(self.jobs.pool()?), progress.stop());
        match progress.stop().is_raised() {
            true => Err(Error::Interrupted),
            false => Ok(Measurement::new(walks.into_iter().map(TreeWalk::into_account).collect())),
        }
    }
}
