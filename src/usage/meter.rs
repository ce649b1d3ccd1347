//! The meter: many trees, one pool of threads.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::breakdown::Recorder;
use super::measurement::{Account, Measurement};
use super::progress::{Counters, Progress};
use super::sharing::{Shared, SharedInodes};
use super::walk::{
    AllMountPoints, MOST_OPENED, Moment, Reading, Surveys, Top, TreeWalk, Turn, Walker,
};
use crate::cache::{Cache, Folders, Location, OutsideTree, VmClones};
use crate::error::{Error, Result};
use crate::fs::Budget;
use crate::jobs::{Jobs, Pool, watched};
use crate::stop::StopFlag;

/// Measures trees of a cache. Holds only settings; threads exist only during a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    jobs: Jobs,
    walker: Walker,
    reads_extents: bool,
    /// Number of largest files to find per tree. `None` for no breakdown.
    largest_files: Option<usize>,
    keeps_names: bool,
}

impl Meter {
    /// A meter with the native walker.
    pub fn new(jobs: Jobs) -> Self {
        let (walker, largest_files) = (Walker::default(), None);
        Self { jobs, walker, reads_extents: false, largest_files, keeps_names: false }
    }

    /// Uses another walker. All walkers count alike, but differ in speed.
    pub fn with_walker(self, walker: Walker) -> Self {
        Self { walker, ..self }
    }

    /// Asks each file what it shares with others, if files can share data: on btrfs, XFS and APFS.
    /// There a measurement takes two to four times as long; elsewhere this costs nothing. Off by
    /// default.
    pub fn with_extents(self) -> Self {
        Self { reads_extents: true, ..self }
    }

    /// Keeps the size of each directory in a tree, and this many of the largest files of each tree.
    /// Off by default.
    pub fn with_breakdown(self, largest_files: usize) -> Self {
        Self { largest_files: Some(largest_files), ..self }
    }

    /// Keeps every name of a tree, so that it can be compared with another one: see
    /// [`Comparison`](super::Comparison). Takes about 100 bytes of memory per name. Off by default.
    pub fn with_names(self) -> Self {
        let largest_files = self.largest_files.or(Some(0));
        Self { keeps_names: true, largest_files, ..self }
    }

    /// Measures the trees at `locations`, each once. A tree that is gone counts as empty.
    ///
    /// The walk runs on threads of its own. Meanwhile this thread calls `watch` about ten times a
    /// second with the counts so far; pass `&mut |_| {}` to ignore them. Raising `stop` ends the
    /// walk early, and so does a panic in `watch`.
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped. Errors at a location are part of the
    /// measurement.
    ///
    /// ```
    /// # use bbox_cache::cache::Cache;
    /// use bbox_cache::usage::Meter;
    /// use bbox_cache::{Jobs, StopFlag};
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
    /// let meter = Meter::new(Jobs::default());
    /// let found = meter.measure(&cache, &images, &StopFlag::new(), &mut |_| {})?;
    /// let usage = found.usage(&images[0]).expect("it was measured");
    /// // A file of 5,000 bytes with two names.
    /// assert_eq!((usage.files, usage.directories), (2, 1));
    /// assert_eq!(usage.apparent().exact().unwrap().as_u64(), 5000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Only this function creates the counters, so every tree has some:
    ///
    /// ```compile_fail
    /// # use bbox_cache::cache::{Cache, Location};
    /// # use bbox_cache::usage::{Meter, Progress};
    /// # use bbox_cache::StopFlag;
    /// # fn measure(meter: Meter, cache: &Cache, images: &[Location]) {
    /// meter.measure(cache, images, &Progress::for_items(&images[1..], StopFlag::new()));
    /// # }
    /// ```
    pub fn measure(
        &self,
        cache: &Cache,
        locations: &[Location],
        stop: &StopFlag,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Measurement> {
        // Threads take time to start, and a gc rarely finds extractions to measure.
        if locations.is_empty() && !stop.is_raised() {
            return Ok(Measurement::default());
        }
        self.measure_with(&self.pool()?, cache, locations, stop, watch)
    }

    pub(super) fn measure_with(
        &self,
        pool: &Pool,
        cache: &Cache,
        locations: &[Location],
        stop: &StopFlag,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Measurement> {
        let (folders, mut met) = (Folders::open(cache), HashSet::new());
        let locations = locations.iter().filter(|&at| met.insert(at));
        let progress = Progress::for_items(locations, stop.clone());
        let work = || {
            let trees = progress.iter();
            let trees = trees.map(|(at, counters)| (Top::new(cache, &folders, at), counters));
            let mut shared = Shared::default();
            let accounts = self.walk(pool, trees.collect(), 0, Moment::Still, stop, &mut shared)?;
            Ok((accounts, shared))
        };
        let (accounts, shared) = watched(stop, work, || watch(&progress))?;
        let locations = progress.iter().map(|(at, _)| at.clone());
        Ok(Measurement::new(locations.zip(accounts), shared))
    }

    /// Looks for other holders of data that only the measured trees seem to have: `others` in the
    /// same cache, and the clones of VMs. Does nothing if there is no such data. Makes the
    /// estimates of the measurement more precise.
    ///
    /// # Errors
    /// As for [`Meter::measure`]. Files that cannot be inspected widen the estimate.
    pub fn find_outside_holders(
        &self,
        cache: &Cache,
        measurement: &mut Measurement,
        others: &[Location],
        stop: &StopFlag,
    ) -> Result<()> {
        self.find_holders(cache, measurement, others, None, stop)
    }

    /// Adds trees outside of the cache to a measurement, so that data shared with its trees counts
    /// once in sums. The measurement may be empty.
    ///
    /// # Errors
    /// As for [`Meter::measure`].
    pub(super) fn measure_outside(
        &self,
        measurement: &mut Measurement,
        trees: &[OutsideTree],
        stop: &StopFlag,
    ) -> Result<()> {
        let counters: Vec<_> = trees.iter().map(|_| Counters::default()).collect();
        let tops = trees.iter().map(Top::outside).zip(&counters).collect();
        let first = measurement.len();
        let accounts =
            self.walk(&self.pool()?, tops, first, Moment::Still, stop, measurement.shared_mut())?;
        let paths = trees.iter().map(|tree| tree.path().to_path_buf());
        measurement.add_outside(paths.zip(accounts));
        Ok(())
    }

    /// Looks for other holders after the measured trees have been removed, which began at `since`.
    /// Other files may by now hold alone what they shared with the trees.
    pub(crate) fn find_holders_after(
        &self,
        cache: &Cache,
        measurement: &mut Measurement,
        others: &[Location],
        since: Timestamp,
        stop: &StopFlag,
    ) -> Result<()> {
        self.find_holders(cache, measurement, others, Some(since), stop)
    }

    fn find_holders(
        &self,
        cache: &Cache,
        measurement: &mut Measurement,
        others: &[Location],
        removed_since: Option<Timestamp>,
        stop: &StopFlag,
    ) -> Result<()> {
        if !measurement.is_in_doubt() {
            return Ok(());
        }
        let (pool, folders) = (self.pool()?, Folders::open(cache));
        let (whole, first) = (Self { largest_files: None, ..*self }, measurement.len());
        let shared = measurement.shared_mut();
        let look = |tops: Vec<Top<'_>>, shared: &mut Shared| {
            let counters: Vec<_> = tops.iter().map(|_| Counters::default()).collect();
            let trees = tops.into_iter().zip(&counters).collect();
            let moment = removed_since.map_or(Moment::Still, |since| {
                Moment::RemovedSince((since.as_second(), since.subsec_nanosecond().unsigned_abs()))
            });
            whole.walk(&pool, trees, first, moment, stop, shared)
        };
        look(others.iter().map(|at| Top::new(cache, &folders, at)).collect(), shared)?;
        for clone in cache.vm_clones().into_iter().flat_map(VmClones::list) {
            // A clone whose file system cannot be determined counts as an unknown file.
            let Ok(Some(volume)) = clone.folder.volume() else { continue };
            if shared.extents.volumes().contain(volume) {
                look(vec![Top::outside(&clone)], shared)?;
            }
        }
        Ok(())
    }

    /// Counts the trees at `locations` while `work` walks them, without a walk of its own.
    ///
    /// # Errors
    /// The threads cannot be started. Then nothing was done.
    pub(crate) fn survey<T>(
        &self,
        cache: &Cache,
        locations: &[Location],
        work: impl FnOnce(&Surveys<'_>) -> T,
    ) -> Result<(Measurement, T)> {
        // It only sorts the results.
        let pool = Pool::new(Budget::with(1, 0))?;
        let folders = Folders::open(cache);
        let counters: Vec<_> = locations.iter().map(|_| Counters::default()).collect();
        let tops = locations.iter().map(|at| Top::new(cache, &folders, at));
        let trees = tops.zip(&counters).collect();
        let mut shared = Shared::default();
        let survey = |trees: &[TreeWalk<'_>]| work(&Surveys::new(locations.iter(), trees));
        let has_shared = AtomicBool::new(false);
        let moment = Moment::Removing(&has_shared);
        let (accounts, done) = self.account(&pool, trees, 0, moment, &mut shared, survey);
        Ok((Measurement::new(locations.iter().cloned().zip(accounts), shared), done))
    }

    fn recorder(&self) -> Option<Recorder> {
        Some(Recorder::new(self.largest_files?).keeping_names(self.keeps_names))
    }

    fn pool(&self) -> Result<Pool> {
        self.jobs.pool_with_files(if self.reads_extents { MOST_OPENED } else { 0 })
    }

    /// Walks trees, numbered from `first` on.
    fn walk(
        &self,
        pool: &Pool,
        trees: Vec<(Top<'_>, &Counters)>,
        first: usize,
        moment: Moment<'_>,
        stop: &StopFlag,
        shared: &mut Shared,
    ) -> Result<Vec<Account>> {
        let walk = |trees: &[TreeWalk<'_>]| self.walker.walk(trees, pool, stop);
        let (accounts, ()) = self.account(pool, trees, first, moment, shared, walk);
        if stop.is_raised() { Err(Error::Interrupted) } else { Ok(accounts) }
    }

    /// Counts trees, numbered from `first` on, while `work` walks them.
    fn account<T>(
        &self,
        pool: &Pool,
        trees: Vec<(Top<'_>, &Counters)>,
        first: usize,
        moment: Moment<'_>,
        shared: &mut Shared,
        work: impl FnOnce(&[TreeWalk<'_>]) -> T,
    ) -> (Vec<Account>, T) {
        let inodes = SharedInodes::new(std::mem::take(&mut shared.inodes));
        let (volumes, turn) = (shared.extents.volumes(), Turn::default());
        let mount_points = AllMountPoints::read();
        let walks: Vec<_> = trees
            .into_iter()
            .enumerate()
            .map(|(index, (top, counters))| {
                let folder = top.folder.ok().flatten();
                let mounted = folder.map(|folder| mount_points.of_tree(folder, top.name));
                let (tree, inodes, turn) = (first + index, &inodes, &turn);
                let reading = Reading { tree, volumes, inodes, turn, moment };
                TreeWalk::new(top, counters, self.reads_extents.then_some(reading))
                    .without(mounted.unwrap_or_default())
                    .recording(self.recorder())
            })
            .collect();
        let done = work(&walks);
        let finish = || walks.into_par_iter().map(TreeWalk::into_account).unzip();
        let (accounts, records) = pool.threads.install(finish);
        shared.inodes = inodes.into_inner();
        shared.extents.add(records, &pool.threads);
        (accounts, done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{EntryName, Folder};
    use crate::test_cache::TestCache;

    #[test]
    fn each_tree_is_measured_once_and_an_unmeasured_one_is_not_empty() {
        let cache = TestCache::new();
        ["a", "b", "c"].iter().for_each(|name| drop(cache.image(name)));
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let at = |name| Location { folder: Folder::Root, name: EntryName::new(name).unwrap() };
        let [a, b, c] = ["sha256-a", "sha256-b", "sha256-c"].map(at);
        let twice = [a.clone(), b.clone(), a.clone()];
        let meter = Meter::new(Jobs::default()).with_breakdown(1);
        let found = meter.measure(&opened, &twice, &StopFlag::new(), &mut |_| {}).unwrap();
        assert_eq!(found.locations(), [a.clone(), b.clone()]);
        let sum = [&a, &b].map(|at| found.usage(at).unwrap()).into_iter().sum();
        assert_eq!(found.total(&twice), sum);
        assert!(sum.is_complete() && sum.files > 0);
        assert!(found.breakdown(&a).is_some() && found.problems(&b).unwrap().is_empty());

        assert!(found.usage(&c).is_none() && found.unique(&c).is_none());
        assert!(found.breakdown(&c).is_none() && found.problems(&c).is_none());
        assert!(found.newest_change(&c).is_none());
        assert_eq!(
            (found.total([&a, &c]).is_complete(), found.total([&a]).is_complete()),
            (false, true)
        );
    }

    #[test]
    fn a_raised_flag_ends_a_measurement() {
        let cache = TestCache::new();
        cache.image("a");
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let stop = StopFlag::new();
        stop.raise();
        let found = Meter::new(Jobs::default()).measure(&opened, &[], &stop, &mut |_| {});
        assert!(matches!(found, Err(Error::Interrupted)));
    }
}
