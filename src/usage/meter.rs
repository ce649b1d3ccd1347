//! The meter: many trees, one pool of threads.

use super::breakdown::Recorder;
use super::measurement::{Account, Measurement};
use super::progress::Progress;
use super::sharing::{Shared, SharedInodes};
use super::walk::{MOST_OPENED, Reading, Top, TreeWalk, Turn, Walker};
use crate::cache::{Cache, Folders, Guests, Location};
use crate::error::{Error, Result};
use crate::jobs::{Jobs, Pool};
use crate::stop::StopFlag;

/// Measures trees of a cache: a setting, not a pool of threads. Those live for one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    jobs: Jobs,
    walker: Walker,
    reads_extents: bool,
    /// How many of the largest files are to be found in trees that are broken down.
    largest_files: Option<usize>,
}

impl Meter {
    /// A meter with the native walker.
    pub fn new(jobs: Jobs) -> Self {
        Self { jobs, walker: Walker::default(), reads_extents: false, largest_files: None }
    }

    /// The same with another walker. Both count alike; they differ in speed.
    pub fn with_walker(self, walker: Walker) -> Self {
        Self { walker, ..self }
    }

    /// The same, but each file is asked what it shares with others, where files can share data: on
    /// btrfs, XFS and APFS. That takes two to four times as long there, and nothing elsewhere.
    pub fn with_extents(self) -> Self {
        Self { reads_extents: true, ..self }
    }

    /// The same, but what is measured is broken down: what each directory amounts to is kept, and so
    /// many of the largest files of each tree.
    pub fn with_breakdown(self, largest_files: usize) -> Self {
        Self { largest_files: Some(largest_files), ..self }
    }

    /// Measures everything at `locations`, which `progress` was made for: what it has no counters for is
    /// not measured. A tree that is gone counts as nothing.
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped. What goes wrong at a location is in the
    /// measurement.
    ///
    /// ```
    /// use bbox_cache::{Jobs, StopFlag};
    /// # use bbox_cache::cache::Cache;
    /// use bbox_cache::usage::{Meter, Progress};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let image = home.path().join("sha256-8432e34e7c77");
    /// # std::fs::create_dir(&image)?;
    /// # std::fs::write(image.join("file"), [1; 5000])?;
    /// # std::fs::hard_link(image.join("file"), image.join("again"))?;
    /// # let cache = Cache::open(home.path())?.unwrap();
    /// let inventory = cache.inventory()?;
    /// let images: Vec<_> = inventory.images().map(|(image, _)| image.location.clone()).collect();
    /// let progress = Progress::new(images.len(), StopFlag::new());
    /// let found = Meter::new(Jobs::default()).measure(&cache, &images, &progress)?;
    /// let usage = found.usage(0);
    /// // A file of 5,000 bytes with two names.
    /// assert_eq!((usage.files, usage.directories, usage.apparent.as_u64()), (2, 1, 5000));
    /// # Ok(())
    /// # }
    /// ```
    pub fn measure(
        &self,
        cache: &Cache,
        locations: &[Location],
        progress: &Progress,
    ) -> Result<Measurement> {
        let folders = Folders::open(cache);
        self.measure_with(&self.pool()?, cache, &folders, locations, progress)
    }

    pub(super) fn measure_with(
        &self,
        pool: &Pool,
        cache: &Cache,
        folders: &Folders,
        locations: &[Location],
        progress: &Progress,
    ) -> Result<Measurement> {
        let tops = locations.iter().map(|at| Top::new(cache, folders, at)).collect();
        let mut shared = Shared::default();
        let accounts = self.walk(pool, tops, 0, progress, &mut shared)?;
        Ok(Measurement::new(accounts, shared))
    }

    /// Looks who else holds what only the measured trees seem to hold: `others` in the same cache,
    /// and the guests that have been cloned from it. Only if there is any such data; then its
    /// estimates are closer to the truth afterwards.
    ///
    /// # Errors
    /// As for [`Meter::measure`]. Whom this cannot look at may hold something or not: that is in the
    /// estimates.
    pub fn find_outside_holders(
        &self,
        cache: &Cache,
        measurement: &mut Measurement,
        others: &[Location],
        guests: Option<&Guests>,
        stop: &StopFlag,
    ) -> Result<()> {
        if !measurement.is_in_doubt() {
            return Ok(());
        }
        let (pool, folders) = (self.pool()?, Folders::open(cache));
        let (whole, first) = (Self { largest_files: None, ..*self }, measurement.trees());
        let shared = measurement.shared_mut();
        let look = |tops: Vec<Top<'_>>, shared: &mut Shared| {
            let progress = Progress::new(tops.len(), stop.clone());
            whole.walk(&pool, tops, first, &progress, shared)
        };
        look(others.iter().map(|at| Top::new(cache, &folders, at)).collect(), shared)?;
        for guest in guests.into_iter().flat_map(Guests::list) {
            // Whose file system cannot even be found is like others that nobody knows.
            let Ok(Some(volume)) = guest.folder.volume() else { continue };
            if shared.extents.volumes().contain(volume) {
                let folder = Ok(Some(&guest.folder));
                look(vec![Top { folder, name: &guest.name, path: guest.path }], shared)?;
            }
        }
        Ok(())
    }

    fn pool(&self) -> Result<Pool> {
        self.jobs.pool_with_files(if self.reads_extents { MOST_OPENED } else { 0 })
    }

    /// Walks trees that are numbered from `first` on.
    fn walk(
        &self,
        pool: &Pool,
        tops: Vec<Top<'_>>,
        first: usize,
        progress: &Progress,
        shared: &mut Shared,
    ) -> Result<Vec<Account>> {
        let inodes = SharedInodes::new(std::mem::take(&mut shared.inodes));
        let (volumes, turn) = (shared.extents.volumes(), Turn::default());
        let tops = tops.into_iter().zip(progress.counters()).enumerate();
        let walks: Vec<_> = tops
            .map(|(index, (top, counters))| {
                let reading =
                    Reading { tree: first + index, volumes, inodes: &inodes, turn: &turn };
                TreeWalk::new(top, counters, self.reads_extents.then_some(reading))
                    .recording(self.largest_files.map(Recorder::new))
            })
            .collect();
        self.walker.walk(&walks, pool, progress.stop());
        if progress.stop().is_raised() {
            return Err(Error::Interrupted);
        }
        let (accounts, records) = walks.into_iter().map(TreeWalk::into_account).unzip();
        shared.inodes = inodes.into_inner();
        shared.extents.add(records, &pool.threads);
        Ok(accounts)
    }
}
