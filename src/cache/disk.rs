//! How full the file system of a cache is.

use std::time::Duration;

use super::handle::Cache;
use crate::error::{Context, Result};
use crate::fs::{Disk, VolumeKind};

/// How long to wait between two looks at what is free, how many may be taken, and how many alike in
/// a row mean that nothing happens any more.
const LOOK: Duration = Duration::from_millis(20);
const MOST_LOOKS: u32 = 50;
const ENOUGH_ALIKE: u32 = 3;

impl Cache {
    /// How full the file system of the cache is at this moment. What was removed may not be free yet.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn disk(&self) -> Result<Disk> {
        self.root().disk().context("find the free space of", self.path())
    }

    /// How full the file system of the cache is, for comparison with a later call. Where files can
    /// share data, it first waits until what was done so far is written, since only then it counts,
    /// and then, but on btrfs, for up to a second until the figure stands still.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn settled_disk(&self) -> Result<Disk> {
        let Some(kind) = self.volume_kind()? else { return self.disk() };
        self.root().settle().context("write out the file system of", self.path())?;
        // What was removed from a btrfs is free with the transaction that has been written.
        if kind == VolumeKind::Btrfs {
            return self.disk();
        }
        // XFS gives back what was removed behind the scenes, and has no call to wait for that.
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

    /// How full the file system of the cache is before something is removed, for comparison with
    /// [`Cache::settled_disk`] afterwards. There is nothing to wait for, unless room only counts as taken
    /// once it has been written.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn disk_before(&self) -> Result<Disk> {
        match self.volume_kind()? {
            Some(VolumeKind::Btrfs) => self.settled_disk(),
            _ => self.disk(),
        }
    }

    /// Free bytes on the file system of the cache, as [`Cache::settled_disk`] finds them.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn free_bytes(&self) -> Result<u64> {
        Ok(self.settled_disk()?.free.as_u64())
    }
}
