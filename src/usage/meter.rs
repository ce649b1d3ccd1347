//! The meter: many trees, one pool of threads.

use super::jobs::Pool;
use super::walk::{TreeWalk, Walker};
use super::{Jobs, Measurement, Progress};
use crate::cache::{Cache, Folders, Location};
use crate::error::{Error, Result};

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
        self.measure_with(&self.jobs.pool()?, cache, &folders, locations, progress)
    }

    pub(super) fn measure_with(
        &self,
        pool: &Pool,
        cache: &Cache,
        folders: &Folders,
        locations: &[Location],
        progress: &Progress,
    ) -> Result<Measurement> {
        let walks: Vec<_> = locations
            .iter()
            .zip(progress.tallies())
            .map(|(location, tally)| TreeWalk::new(cache, folders, location, tally))
            .collect();
        self.walker.walk(&walks, pool, progress.stop());
        match progress.stop().is_raised() {
            true => Err(Error::Interrupted),
            false => Ok(Measurement::new(walks.into_iter().map(TreeWalk::into_account).collect())),
        }
    }
}
