//! The account of a whole cache: every entry, and what holds them.

use bytesize::ByteSize;

use super::{Measurement, Meter, Progress, Usage};
use crate::cache::{Cache, EntryName, Folder, Inventory, Location};
use crate::error::{Context, Result};

/// How big everything in a cache is.
#[derive(Debug)]
pub struct Census {
    measurement: Measurement,
    entries: usize,
    /// The directory of the cache itself and `layers`; `refs` is measured as a tree.
    folders: Usage,
}

impl Census {
    /// What is to be measured, for a [`Progress`]: the entries in their order, and `refs`.
    pub fn locations(inventory: &Inventory) -> Vec<Location> {
        let refs = EntryName::new(Folder::Refs.name()).expect("a plain name");
        let entries = inventory.entries.iter().map(|entry| entry.location.clone());
        entries.chain([Location { folder: Folder::Root, name: refs }]).collect()
    }

    /// Measures everything that `inventory` lists.
    ///
    /// # Errors
    /// The threads cannot be started, or a folder of the cache cannot be looked at.
    pub fn take(
        cache: &Cache,
        inventory: &Inventory,
        meter: &Meter,
        progress: &Progress,
    ) -> Result<Self> {
        let measurement = meter.measure(cache, &Self::locations(inventory), progress)?;
        let mut folders = Usage::default();
        for folder in [Folder::Root, Folder::Layers] {
            if let Some(directory) = cache.folder(folder)? {
                let path = cache.path().join(folder.name());
                let status = directory.status().context("look at", path)?;
                let on_disk = ByteSize::b(status.on_disk());
                folders += Usage { on_disk, directories: 1, ..Usage::default() };
            }
        }
        Ok(Self { measurement, entries: inventory.entries.len(), folders })
    }

    /// The accounts of the entries, in their order, and of `refs`.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// The index: `refs`, and the folders themselves.
    pub fn index(&self) -> Usage {
        [self.measurement.usage(self.entries), self.folders].into_iter().sum()
    }

    /// Everything, each inode once: what `du -s` says of the cache directory.
    pub fn total(&self) -> Usage {
        [self.measurement.total(0..=self.entries), self.folders].into_iter().sum()
    }
}
