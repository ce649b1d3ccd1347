//! The account of a whole cache: every entry, and what holds them.

use bytesize::ByteSize;

use super::{Measurement, Meter, Progress, Usage};
use crate::cache::{Cache, EntryName, Folder, Inventory, Location};
use crate::error::Result;

/// How big everything in a cache is; by default, in none.
#[derive(Debug, Default)]
pub struct Census {
    measurement: Measurement,
    entries: usize,
    /// The directory of the cache itself and `layers`; `refs` is measured as a tree.
    folders: Usage,
}

impl Census {
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

    /// Measures everything that `inventory` lists.
    ///
    /// # Errors
    /// The threads cannot be started, or the job was stopped.
    pub fn take(
        cache: &Cache,
        inventory: &Inventory,
        meter: &Meter,
        progress: &Progress,
    ) -> Result<Self> {
        let measurement = meter.measure(cache, &Self::locations(inventory), progress)?;
        let mut folders = Usage::default();
        for folder in [Folder::Root, Folder::Layers] {
            folders += folder_usage(cache, folder);
        }
        Ok(Self { measurement, entries: inventory.entries.len(), folders })
    }

    /// The accounts of the entries, in their order, and of `refs` if that is not one of them.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// The index: `refs`, and the folders themselves.
    pub fn index(&self) -> Usage {
        let refs = self.measurement.total(self.entries..self.measurement.trees());
        [refs, self.folders].into_iter().sum()
    }

    /// Everything, each inode once: what `du -s` says of the cache directory.
    pub fn total(&self) -> Usage {
        let trees = self.measurement.total(0..self.measurement.trees());
        [trees, self.folders].into_iter().sum()
    }
}

/// A folder of the cache without what is in it. The inventory has reported what cannot be opened.
pub(crate) fn folder_usage(cache: &Cache, folder: Folder) -> Usage {
    let status = match cache.folder(folder) {
        Ok(Some(directory)) => directory.status(),
        Ok(None) => return Usage::default(),
        Err(_) => return Usage { unreadable: 1, ..Usage::default() },
    };
    match status {
        Ok(status) => {
            Usage { on_disk: ByteSize::b(status.on_disk()), directories: 1, ..Usage::default() }
        }
        Err(_) => Usage { unreadable: 1, ..Usage::default() },
    }
}
