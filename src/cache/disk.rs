//! Free space on the file system of a cache.

use std::time::Duration;

use super::handle::Cache;
use crate::error::{Context, Result};
use crate::fs::{Disk, VolumeKind};

/// The pause between two looks at the free space, how many looks to take at most, and how many
/// equal ones in a row mean that the figure has settled.
const LOOK: Duration = Duration::from_millis(20);
const MOST_LOOKS: u32 = 50;
const ENOUGH_ALIKE: u32 = 3;

impl Cache {
    /// Total and free space of the cache's file system right now. Removed files may still count as
    /// used.
    ///
    /// # Errors
    /// The system does not report it.
    pub fn disk(&self) -> Result<Disk> {
        self.root().disk().context("determine the free space of", self.path())
    }

    /// Total and free space of the cache's file system, suitable for comparison with a later call.
    /// If files can share data, the call first waits until all changes are written to disk, because
    /// they count only then. Except on btrfs, it then waits up to a second for the figure to
    /// settle.
    ///
    /// # Errors
    /// The system does not report it.
    pub fn settled_disk(&self) -> Result<Disk> {
        let Some(kind) = self.volume_kind()? else { return self.disk() };
        self.root().settle().context("sync the file system of", self.path())?;
        // On btrfs, space is freed with the transaction that has just been written.
        if kind == VolumeKind::Btrfs {
            return self.disk();
        }
        // XFS frees space in the background and has no call to wait for it.
        let (mut found, mut looks_alike) = (self.disk()?, 0);
        for _ in 0..MOST_LOOKS {
            std::thread::sleep(LOOK);
            let next = self.disk()?;
            looks_alike = if next == found { looks_alike + 1 } else { 0 };
            if looks_alike == ENOUGH_ALIKE {
                break;
            }
            found = next;
        }
        Ok(found)
    }

    /// Total and free space of the cache's file system before a removal, for comparison with
    /// [`Cache::settled_disk`] afterwards. Waits only on btrfs, where used space counts only once
    /// it is written.
    ///
    /// # Errors
    /// The system does not report it.
    pub(crate) fn disk_before(&self) -> Result<Disk> {
        match self.volume_kind()? {
            Some(VolumeKind::Btrfs) => self.settled_disk(),
            _ => self.disk(),
        }
    }

    /// Free bytes on the cache's file system, as reported by [`Cache::settled_disk`].
    ///
    /// # Errors
    /// The system does not report it.
    pub fn free_bytes(&self) -> Result<u64> {
        Ok(self.settled_disk()?.free.as_u64())
    }
}
