//! The look at all processes, and at the mounts and locks that belong to them.

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
    /// Looks at every running process but this one, and says which entries it uses: named as
    /// `"root_path"` in a JSON argument, as the runner of a microVM does, or led to by its current
    /// directory, root, executable or an open file; on Linux also by a mapping, by a thread with a
    /// directory or files of its own, and by any other mount of the cache. Swap files and loop devices
    /// count there, too. Runs of this program only walk the cache, and do not count on Linux, unless they
    /// hold a lease.
    ///
    /// `None` where the system does not tell at all, as without a `/proc` on Linux.
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

/// Who holds the exclusive `flock` on this file or directory, if the system tells. Never this process.
pub(in crate::cache) fn lock_holder(inode: InodeId) -> Option<UsingProcess> {
    system::lock_holder(inode)
}

/// Each entry that something is mounted in, or that is mounted elsewhere, and where.
pub(in crate::cache) fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    system::mounted(cache)
}

/// The entries on which a file system is mounted that may not answer, so that a look at one may take for
/// ever. None where the system does not tell.
pub(in crate::cache) fn unanswering_mounts(cache: &Cache) -> Vec<Location> {
    system::unanswering_mounts(cache).unwrap_or_default()
}

/// Says to other runs what this process does, as long as the answer lives; where that is possible.
#[cfg(feature = "cli")]
pub(crate) fn announce(role: Role) -> Option<std::os::fd::OwnedFd> {
    system::announce(role)
}
