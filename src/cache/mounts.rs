//! Mounts in the cache.
//!
//! A file system mounted in an entry is not part of it, and the entry cannot be removed while it is
//! there. An entry that is mounted elsewhere, wholly or in part, is in use, and so are the layers
//! of an overlay. The system lists all mounts, so no tree has to be walked to find them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::handle::Cache;
use super::in_use::mounted;
use super::location::Location;
use crate::error::{Error, Result};

/// The mounts that concern entries of a cache, at one moment. By default none.
#[derive(Debug, Default)]
pub struct Mounts(Vec<(Location, PathBuf)>);

impl Mounts {
    /// The first mount point that needs an entry: it is in the entry or shows a part of it.
    pub fn get(&self, location: &Location) -> Option<&Path> {
        let mut mounts = self.0.iter();
        mounts.find(|(entry, _)| entry == location).map(|(_, point)| point.as_path())
    }
}

impl Cache {
    /// Finds mounts in an entry, of an entry, or with an entry as an overlay's layer. On Linux it
    /// finds them through any mount of the cache. `None` if the system reports no mounts at all,
    /// like Linux without `/proc`. A removal detects unreported mounts when it meets them, and
    /// leaves them alone.
    ///
    /// # Errors
    /// The mounts cannot be listed.
    pub fn mounts(&self) -> Result<Option<Mounts>> {
        match mounted(self) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io("list the mounts in", self.path(), cause)),
            Ok(mounts) => Ok(Some(Mounts(mounts))),
        }
    }
}
