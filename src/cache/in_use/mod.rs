//! Who uses what lies in the cache.
//!
//! The owner of the cache takes no lock, and the first microVM of a fresh pull runs inside the
//! cache entry itself. Whether a process is in there, only the system knows: each process has a
//! command line, a current directory, a root, an executable, open files and mappings, and any of
//! them may lead into an entry. So each process is looked at, one at a time, and each path that it
//! holds is turned into the entry that it leads to, by whichever mount.
//!
//! This is a look, not a lock: a process may begin to use an entry right after it. A process that
//! cannot be inspected (another user's) is counted; a process that the system hides is not, but it is
//! known that there may be some ([`Unseen`]). On Linux the kernel is asked as well: it uses the files
//! behind swap and loop devices.
//!
//! How processes are listed is in `linux/` and `portable.rs`, with equal signatures.

#[cfg(all(target_os = "linux", not(bbox_portable)))]
#[path = "linux/mod.rs"]
mod system;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
#[path = "portable.rs"]
mod system;

#[cfg(target_vendor = "apple")]
mod apple;
mod runner;
#[cfg(all(test, target_os = "linux", not(bbox_portable)))]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io::ErrorKind;
use std::path::PathBuf;

use super::{Cache, Location};
use crate::error::{Error, Result};
use crate::escape::Escaped;
use crate::fs::Directory;

/// A process that uses something in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct UsingProcess {
    /// Its number; 0 for the kernel itself, which uses swap files and files behind loop devices.
    pub pid: u32,
    /// The file name of its executable, or what it calls itself where that is not told. It is not
    /// safe to print. For the kernel, `swap` or the name of the loop device.
    pub program: String,
    /// Whether it is a run of this program that holds a lease; as far as the system tells.
    pub holds_lease: bool,
}

impl UsingProcess {
    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    fn of_kernel(user: &str) -> Self {
        Self { pid: 0, program: user.to_owned(), holds_lease: false }
    }

    /// The process in words that are safe to print, also if the system has not told which.
    pub(crate) fn describe(user: Option<&Self>) -> String {
        user.map_or_else(|| "another process".to_owned(), Self::to_string)
    }
}

/// Like `go-microvm-runner (pid 1234)`, safe to print.
impl Display for UsingProcess {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.pid {
            0 => write!(f, "the kernel ({})", Escaped::new(&self.program)),
            pid => write!(f, "{} (pid {pid})", Escaped::new(&self.program)),
        }
    }
}

/// Why there may be processes that were not seen at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unseen {
    /// This process runs in a pid namespace, as in a container, and sees the processes in it only.
    OtherPidNamespaces,
    /// The system hides the processes of other users: `/proc` is mounted with `hidepid`.
    HiddenProcesses,
}

/// What a run of this program does, for other runs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    any(not(target_os = "linux"), bbox_portable),
    allow(dead_code, reason = "nothing shows it there")
)]
pub(crate) enum Role {
    /// It only walks the cache, as this process may.
    Walker,
    /// It keeps an image.
    Leaseholder,
}

/// Who uses what, at one moment: the answer of [`Cache::users`]. By default, nothing is in use.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    by_entry: BTreeMap<Location, Vec<UsingProcess>>,
    uninspected: Vec<UsingProcess>,
    unseen: Vec<Unseen>,
}

impl InUse {
    /// From what is known already, whatever the system would say.
    #[cfg(test)]
    pub(crate) fn from_list(list: impl IntoIterator<Item = (Location, UsingProcess)>) -> Self {
        let mut users = Self::default();
        for (location, user) in list {
            users.insert(location, user);
        }
        users
    }

    /// The processes that use this entry, by pid.
    pub fn get(&self, location: &Location) -> &[UsingProcess] {
        self.by_entry.get(location).map_or(&[], Vec::as_slice)
    }

    /// The processes that could not be inspected in full: they belong to another user, or were told of
    /// an image on a file system that may not answer. What could be read of them, most often the command
    /// line, has been taken into account.
    pub fn uninspected(&self) -> &[UsingProcess] {
        &self.uninspected
    }

    /// Why there may be processes that were not seen at all. Empty if all of the machine's were.
    pub fn unseen(&self) -> &[Unseen] {
        &self.unseen
    }

    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    fn add(&mut self, other: Self) {
        for (location, users) in other.by_entry {
            users.into_iter().for_each(|user| self.insert(location.clone(), user));
        }
        self.uninspected.extend(other.uninspected);
        self.uninspected.sort();
    }

    fn insert(&mut self, location: Location, user: UsingProcess) {
        let users = self.by_entry.entry(location).or_default();
        if let Err(place) = users.binary_search(&user) {
            users.insert(place, user);
        }
    }
}

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

/// Who holds the exclusive `flock` on this directory, if the system tells. Never this process.
pub(super) fn lock_holder(directory: &Directory) -> Option<UsingProcess> {
    system::lock_holder(directory)
}

/// Each entry that something is mounted in, or that is mounted elsewhere, and where.
pub(super) fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    system::mounted(cache)
}

/// The entries on which a file system is mounted that may not answer, so that a look at one may take for
/// ever. None where the system does not tell.
pub(super) fn unanswering_mounts(cache: &Cache) -> Vec<Location> {
    system::unanswering_mounts(cache).unwrap_or_default()
}

/// Says to other runs what this process does, as long as the answer lives; where that is possible.
#[cfg(feature = "cli")]
pub(crate) fn announce(role: Role) -> Option<std::os::fd::OwnedFd> {
    system::announce(role)
}
