//! What the file system of the cache says of itself.

use std::time::Duration;

use super::Cache;
use crate::error::{Context, Result};

/// How long to wait between two looks at what is free, how many may be taken, and how many alike in
/// a row mean that nothing happens any more.
const LOOK: Duration = Duration::from_millis(20);
const MOST_LOOKS: u32 = 50;
const ENOUGH_ALIKE: u32 = 3;

impl Cache {
    /// Whether files can share data where the cache lies: on btrfs, XFS or APFS.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn can_share_data(&self) -> Result<bool> {
        let volume = self.root.volume().context("find the file system of", &self.path)?;
        Ok(volume.is_some())
    }

    /// Free bytes on the file system of the cache, for comparison with a later call. Where files can
    /// share data, it first waits until what was done so far is written, since only then it counts,
    /// and then for up to a second until the figure stands still.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn free_bytes(&self) -> Result<u64> {
        let free = || self.root.free_bytes().context("find the free space of", &self.path);
        if !self.can_share_data()? {
            return free();
        }
        self.root.settle().context("write out the file system of", &self.path)?;
        // XFS gives back what was removed behind the scenes, and has no call to wait for that.
        let (mut found, mut looks_alike) = (free()?, 0);
        for _ in 0..MOST_LOOKS {
            std::thread::sleep(LOOK);
            let next = free()?;
            looks_alike = if next == found { looks_alike + 1 } else { 0 };
            if looks_alike == ENOUGH_ALIKE {
                break;
            }
            found = next;
        }
        Ok(found)
    }
}
