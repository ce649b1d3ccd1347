//! What the file system of the cache says of itself.

use super::Cache;
use crate::error::{Context, Result};

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
    /// share data, it first waits until what was done so far is written, since only then it counts.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn free_bytes(&self) -> Result<u64> {
        if self.can_share_data()? {
            self.root.settle().context("write out the file system of", &self.path)?;
        }
        self.root.free_bytes().context("find the free space of", &self.path)
    }
}
