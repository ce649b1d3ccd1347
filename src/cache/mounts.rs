//! What is mounted in the cache.
//!
//! Nothing that is mounted in an entry is part of it, and an entry with something mounted in it
//! cannot go. An entry, or a part of it, that is mounted elsewhere has been mounted to be used, and so
//! have the layers of an overlay. The system has a list of all mounts, so no tree has to be walked to
//! find them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::handle::Cache;
use super::in_use::mounted;
use super::location::Location;
use crate::error::{Error, Result};

/// Where something is mounted in the entries of a cache, at one moment. By default, nowhere.
#[derive(Debug, Default)]
pub struct Mounts(Vec<(Location, PathBuf)>);

impl Mounts {
    /// The first place where something is mounted that needs an entry: in it, or made of it.
    pub fn get(&self, location: &Location) -> Option<&Path> {
        let mut mounts = self.0.iter();
        mounts.find(|(entry, _)| entry == location).map(|(_, point)| point.as_path())
    }
}

impl Cache {
    /// Looks where something is mounted: in an entry, or from one, or with one as a layer, on Linux by
    /// whichever mount of the cache. `None` where the system does not tell at all, as without a `/proc`
    /// on Linux. A mount that is not told is met, and left alone, when the entry is removed.
    ///
    /// # Errors
    /// The mounts cannot be listed.
    pub fn mounts(&self) -> Result<Option<Mounts>> {
        match mounted(self) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io("list what is mounted in", self.path(), cause)),
            Ok(mounts) => Ok(Some(Mounts(mounts))),
        }
    }
}
