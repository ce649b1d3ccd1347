//! The size of a whole cache: every entry, and the folders that contain them.

use std::collections::HashSet;

use bytesize::ByteSize;

use super::amounts::Usage;
use super::estimate::Estimate;
use super::measurement::{Measurement, TreeId};
use super::meter::Meter;
use super::progress::Progress;
use crate::cache::{Beside, BesideKind, Cache, EntryName, Folder, Inventory, Location};
use crate::error::{Context, Error, Result};
use crate::stop::StopFlag;

/// The size of everything in a cache. The default is no cache.
///
/// ```
/// # use bbox_cache::cache::Cache;
/// use bbox_cache::usage::{CacheUsage, Meter};
/// use bbox_cache::{Jobs, StopFlag};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let image = home.path().join("sha256-8432e34e7c77");
/// # std::fs::create_dir(&image)?;
/// # std::fs::write(image.join("file"), [1; 5000])?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// let (inventory, meter) = (cache.inventory()?, Meter::new(Jobs::default()));
/// let found =
///     CacheUsage::measure(&cache, &inventory, &meter, &StopFlag::new(), &mut |_| {})?;
/// for entry in &inventory.entries {
///     let usage = found.measurement().usage(&entry.location).expect("it was listed");
///     println!("{}: at least {}", entry.location, usage.on_disk().at_least());
/// }
/// if let Some(bytes) = found.total().on_disk().exact() {
///     println!("{bytes} in all");
/// }
/// # assert_eq!(found.total().apparent().exact().unwrap().as_u64(), 5000);
/// # assert_eq!(found.total().directories, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct CacheUsage {
    measurement: Measurement,
    /// `refs`, unless an entry has that name.
    refs: Option<Location>,
    /// The cache directory itself and `layers`. `refs` is measured as a tree.
    folders: Usage,
    /// Errors about these folders.
    problems: Vec<Error>,
}

impl CacheUsage {
    /// Measures everything in `inventory`. For `stop` and `watch` see [`Meter::measure`].
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped.
    pub fn measure(
        cache: &Cache,
        inventory: &Inventory,
        meter: &Meter,
        stop: &StopFlag,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Self> {
        let mut found = Self::measure_entries(cache, inventory, meter, stop, watch)?;
        meter.find_outside_holders(cache, &mut found.measurement, &[], stop)?;
        Ok(found)
    }

    /// Measures everything besides the cache, and the cache, too, if there is one. Data shared
    /// between them counts once in sums.
    ///
    /// # Errors
    /// As for [`CacheUsage::measure`].
    pub fn measure_beside(
        cache: Option<(&Cache, &Inventory)>,
        beside: &Beside,
        meter: &Meter,
        stop: &StopFlag,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Self> {
        let mut found = match cache {
            Some((cache, inventory)) => {
                Self::measure_entries(cache, inventory, meter, stop, watch)?
            }
            None => Self::default(),
        };
        meter.measure_outside(&mut found.measurement, &beside.trees(), stop)?;
        Ok(found)
    }

    fn measure_entries(
        cache: &Cache,
        inventory: &Inventory,
        meter: &Meter,
        stop: &StopFlag,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Self> {
        let name = EntryName::new(Folder::Refs.name()).expect("a plain name");
        let refs = Location { folder: Folder::Root, name };
        let entries = inventory.entries.iter().map(|entry| &entry.location);
        let refs = Some(refs).filter(|refs| entries.clone().all(|entry| entry != refs));
        let locations: Vec<_> = entries.chain(&refs).cloned().collect();
        let measurement = meter.measure(cache, &locations, stop, watch)?;
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
        Ok(Self { measurement, refs, folders, problems })
    }

    /// The measured entries in their original order, and `refs` unless it is one of them.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// Errors about the folders themselves.
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// The index: `refs`, and the folders themselves.
    pub fn index(&self) -> Usage {
        [self.measurement.total(&self.refs), self.folders].into_iter().sum()
    }

    /// Bytes on disk that removing the index frees.
    pub fn index_unique(&self) -> Estimate {
        self.measurement.reclaimable(&self.refs) + Estimate::from(self.folders.on_disk())
    }

    /// Everything, with each inode and extent counted once. If no files share data, this is the
    /// size that `du -s` reports for the cache directory.
    pub fn total(&self) -> Usage {
        self.total_without(&HashSet::new())
    }

    /// Everything in the cache and besides it.
    pub fn total_with(&self, beside: &Beside) -> Usage {
        let entries = self.measurement.locations().iter().map(TreeId::from);
        let trees = beside.items.iter().map(|item| TreeId::from(&item.tree));
        [self.measurement.total(entries.chain(trees)), self.folders, folders(beside)]
            .into_iter()
            .sum()
    }

    /// Everything else: the index, the folders, and entries and items of unknown kinds.
    pub fn others(&self, inventory: &Inventory, beside: &Beside) -> Usage {
        let items = beside.items.iter().filter(|item| item.kind == BesideKind::Other);
        let foreign = inventory.foreign().chain(&self.refs).map(TreeId::from);
        let trees = foreign.chain(items.map(|item| TreeId::from(&item.tree)));
        [self.measurement.total(trees), self.folders, folders(beside)].into_iter().sum()
    }

    /// What [`CacheUsage::total`] would be without the trees at these locations.
    pub fn total_without(&self, gone: &HashSet<Location>) -> Usage {
        let stays = self.measurement.locations().iter().filter(|location| !gone.contains(location));
        [self.measurement.total(stays), self.folders].into_iter().sum()
    }

    /// Bytes on disk that removing everything frees.
    pub fn total_unique(&self) -> Estimate {
        let trees = self.measurement.reclaimable(self.measurement.locations());
        trees + Estimate::from(self.folders.on_disk())
    }
}

/// The folders of the items, without their contents.
fn folders(beside: &Beside) -> Usage {
    let folders =
        beside.folders.iter().map(|status| Usage::from_directory(ByteSize::b(status.on_disk())));
    folders.sum()
}

/// A folder of the cache without its contents. Empty if it does not exist.
///
/// # Errors
/// Its status cannot be read.
pub(crate) fn folder_usage(cache: &Cache, folder: Folder) -> Result<Usage> {
    let Some(directory) = cache.folder(folder)? else { return Ok(Usage::default()) };
    let status = directory.status().context("read the status of", folder.path_in(cache.path()))?;
    let on_disk = ByteSize::b(status.on_disk());
    Ok(Usage::from_directory(on_disk))
}
