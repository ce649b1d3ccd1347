//! What is mounted in the cache.
//!
//! Nothing that is mounted in an entry is part of it, and an entry with something mounted in it
//! cannot go. The system has a list of all mounts, so no tree has to be walked to find them.

use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::handle::Cache;
use super::location::Location;
use super::path_lookup::PathLookup;
use crate::error::{Error, Result};
use crate::fs::mount_points;

/// Where something is mounted in the entries of a cache, at one moment. By default, nowhere.
#[derive(Debug, Default)]
pub struct Mounts(Vec<(Location, PathBuf)>);

impl Mounts {
    /// The first place in an entry where something is mounted.
    pub fn get(&self, location: &Location) -> Option<&Path> {
        let mut mounts = self.0.iter();
        mounts.find(|(entry, _)| entry == location).map(|(_, point)| point.as_path())
    }
}

impl Cache {
    /// Looks where something is mounted. `None` where the system does not tell at all, as without a `/proc` on
    /// Linux. A mount that is not told is met, and left alone, when the entry is removed.
    ///
    /// # Errors
    /// The mounts cannot be listed.
    pub fn mounts(&self) -> Result<Option<Mounts>> {
        let places = PathLookup::new(self);
        let points = match mount_points() {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            points => points.map_err(|e| Error::io("list what is mounted in", self.path(), e))?,
        };
        let entries = points.into_iter().flat_map(|point| {
            let entries: Vec<_> = places.of_link(point.as_os_str().as_bytes()).collect();
            entries.into_iter().map(move |entry| (entry, point.clone()))
        });
        Ok(Some(Mounts(entries.collect())))
    }
}
