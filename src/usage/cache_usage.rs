//! The account of a whole cache: every entry, and what holds them.

use bytesize::ByteSize;

use super::amounts::Usage;
use super::estimate::Estimate;
use super::measurement::Measurement;
use super::meter::Meter;
use super::progress::Progress;
use crate::cache::{Cache, EntryName, Folder, Guests, Inventory, Location};
use crate::error::{Context, Error, Result};

/// How big everything in a cache is; by default, in none.
///
/// ```
/// use bbox_cache::{Jobs, StopFlag};
/// # use bbox_cache::cache::Cache;
/// use bbox_cache::usage::{CacheUsage, Meter, Progress};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let image = home.path().join("sha256-8432e34e7c77");
/// # std::fs::create_dir(&image)?;
/// # std::fs::write(image.join("file"), [1; 5000])?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// let inventory = cache.inventory()?;
/// let progress = Progress::new(CacheUsage::locations(&inventory).len(), StopFlag::new());
/// let meter = Meter::new(Jobs::default());
/// let census = CacheUsage::measure(&cache, &inventory, &meter, None, &progress)?;
/// for (tree, entry) in inventory.entries.iter().enumerate() {
///     println!("{}: {}", entry.location, census.measurement().usage(tree).on_disk);
/// }
/// println!("{} in all", census.total().on_disk);
/// # assert_eq!(census.total().apparent.as_u64(), 5000);
/// # assert_eq!(census.total().directories, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct CacheUsage {
    measurement: Measurement,
    entries: usize,
    /// The directory of the cache itself and `layers`; `refs` is measured as a tree.
    folders: Usage,
    /// What of these could not be looked at.
    problems: Vec<Error>,
}

impl CacheUsage {
    /// What is to be measured, for a [`Progress`]: the entries in their order, and `refs`, unless
    /// that is a stranger among them.
    pub fn locations(inventory: &Inventory) -> Vec<Location> {
        let name = EntryName::new(Folder::Refs.name()).expect("a plain name");
        let refs = Location { folder: Folder::Root, name };
        let mut locations: Vec<_> =
            inventory.entries.iter().map(|entry| entry.location.clone()).collect();
        if !locations.contains(&refs) {
            locations.push(refs);
        }
        locations
    }

    /// Measures everything that `inventory` lists; `guests` are the clones that may hold the same
    /// data. `progress` was made for [`CacheUsage::locations`].
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped.
    pub fn measure(
        cache: &Cache,
        inventory: &Inventory,
        meter: &Meter,
        guests: Option<&Guests>,
        progress: &Progress,
    ) -> Result<Self> {
        let mut measurement = meter.measure(cache, &Self::locations(inventory), progress)?;
        meter.find_outside_holders(cache, &mut measurement, &[], guests, progress.stop())?;
        let (mut folders, mut problems) = (Usage::default(), Vec::new());
        for folder in [Folder::Root, Folder::Layers] {
            match folder_usage(cache, folder) {
                Ok(usage) => folders += usage,
                Err(problem) => {
                    folders.unreadable += 1;
                    problems.push(problem);
                }
            }
        }
        Ok(Self { measurement, entries: inventory.entries.len(), folders, problems })
    }

    /// The accounts of the entries, in their order, and of `refs` if that is not one of them.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// What of the folders themselves could not be looked at.
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// The index: `refs`, and the folders themselves.
    pub fn index(&self) -> Usage {
        let refs = self.measurement.total(self.entries..self.measurement.trees());
        [refs, self.folders].into_iter().sum()
    }

    /// Bytes on disk that removing the index gives back.
    pub fn index_unique(&self) -> Estimate {
        let refs = self.measurement.reclaimable(self.entries..self.measurement.trees());
        refs + Estimate::exactly(self.folders.on_disk)
    }

    /// Everything, each inode and extent once: what `du -s` says of the cache directory, where no
    /// files share data.
    pub fn total(&self) -> Usage {
        self.total_of(0..self.measurement.trees())
    }

    /// The same, if only these trees of the measurement were there.
    ///
    /// # Panics
    /// There is no such tree.
    pub fn total_of(&self, trees: impl IntoIterator<Item = usize>) -> Usage {
        [self.measurement.total(trees), self.folders].into_iter().sum()
    }

    /// Bytes on disk that removing everything gives back.
    pub fn total_unique(&self) -> Estimate {
        let trees = self.measurement.reclaimable(0..self.measurement.trees());
        trees + Estimate::exactly(self.folders.on_disk)
    }
}

/// A folder of the cache without what is in it; nothing if it is not there.
///
/// # Errors
/// It cannot be looked at.
pub(crate) fn folder_usage(cache: &Cache, folder: Folder) -> Result<Usage> {
    let Some(directory) = cache.folder(folder)? else { return Ok(Usage::default()) };
    let status = directory.status().context("look at", folder.path_in(cache.path()))?;
    let on_disk = ByteSize::b(status.on_disk());
    Ok(Usage { on_disk, directories: 1, ..Usage::default() })
}
