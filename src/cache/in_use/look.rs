//! The inspection of all processes, and of their mounts and locks.

use std::io::ErrorKind;
use std::path::PathBuf;

#[cfg(feature = "cli")]
use super::role::Role;
use super::system;
use super::users::{InUse, UsingProcess};
use crate::cache::{Cache, Location};
use crate::error::{Error, Result};
use crate::fs::InodeId;

impl Cache {
    /// Finds the entries that other running processes use. A process uses an entry if a JSON
    /// argument names it as `"root_path"`, as that of a microVM's runner does, or if its current
    /// directory, root, executable or an open file is in the entry. On Linux, mappings, threads
    /// with directories or files of their own, and other mounts of the cache are resolved as well,
    /// and swap files and loop devices count. There, runs of this program do not count unless they
    /// hold a lease.
    ///
    /// `None` if the system does not report processes at all, as without `/proc` on Linux.
    ///
    /// # Errors
    /// The processes cannot be listed.
    pub fn users(&self) -> Result<Option<InUse>> {
        match system::look(self) {
            Ok(users) => Ok(Some(users)),
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The holder of the exclusive `flock` on this file or directory, if known. Never this process.
pub(in crate::cache) fn lock_holder(inode: InodeId) -> Option<UsingProcess> {
    system::lock_holder(inode)
}

/// Entries with a mount inside, or mounted elsewhere, each with the mount point.
pub(in crate::cache) fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    system::mounted(cache)
}

/// Entries that are mount points of file systems that may not respond, so that accessing one may
/// hang. Empty if the system does not report mounts.
pub(in crate::cache) fn unanswering_mounts(cache: &Cache) -> Vec<Location> {
    system::unanswering_mounts(cache).unwrap_or_default()
}

/// Announces this process's role to other runs, as long as the result lives. `None` if impossible.
#[cfg(feature = "cli")]
pub(crate) fn announce(role: Role) -> Option<std::os::fd::OwnedFd> {
    system::announce(role)
}
