//! Which processes use which entries.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::cache::Location;
use crate::escape::Escaped;

/// A process that uses something in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct UsingProcess {
    /// Its PID; 0 for the kernel itself, which uses swap files and files behind loop devices.
    pub pid: u32,
    /// The file name of its executable, or its own name for itself if that is unknown. For the
    /// kernel, `swap` or the name of the loop device. Not safe to print.
    pub program: String,
    /// Whether it is a run of this program that holds a lease, as far as known.
    pub holds_lease: bool,
}

impl UsingProcess {
    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    pub(super) fn of_kernel(user: &str) -> Self {
        Self { pid: 0, program: user.to_owned(), holds_lease: false }
    }

    /// A description of a process that is safe to print, even if the process is unknown.
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

/// Why some processes may be invisible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unseen {
    /// This process runs in a PID namespace, as in a container, and only sees the processes in it.
    OtherPidNamespaces,
    /// The system hides the processes of other users: `/proc` is mounted with `hidepid`.
    HiddenProcesses,
}

/// Which processes use which entries at one moment, as returned by
/// [`Cache::users`](crate::cache::Cache::users). By default, nothing is in use.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    by_entry: BTreeMap<Location, Vec<UsingProcess>>,
    pub(super) uninspected: Vec<UsingProcess>,
    unseen: Vec<Unseen>,
}

impl InUse {
    /// From a list, without asking the system.
    #[cfg(test)]
    pub(crate) fn from_list(list: impl IntoIterator<Item = (Location, UsingProcess)>) -> Self {
        let mut users = Self::default();
        for (location, user) in list {
            users.insert(location, user);
        }
        users
    }

    /// Without users yet, on a system that hides processes for these reasons.
    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    pub(super) fn beside_unseen(unseen: Vec<Unseen>) -> Self {
        Self { unseen, ..Self::default() }
    }

    /// The processes that use this entry, by pid.
    pub fn get(&self, location: &Location) -> &[UsingProcess] {
        self.by_entry.get(location).map_or(&[], Vec::as_slice)
    }

    /// The processes that could not be fully inspected: they belong to another user, or refer to an
    /// image on a file system that may not respond. Readable parts, mostly the command line, have
    /// been taken into account.
    pub fn uninspected(&self) -> &[UsingProcess] {
        &self.uninspected
    }

    /// Why some processes may be invisible. Empty if all of the machine's were.
    pub fn unseen(&self) -> &[Unseen] {
        &self.unseen
    }

    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    pub(super) fn add(&mut self, other: Self) {
        for (location, users) in other.by_entry {
            users.into_iter().for_each(|user| self.insert(location.clone(), user));
        }
        self.uninspected.extend(other.uninspected);
        self.uninspected.sort();
    }

    pub(super) fn insert(&mut self, location: Location, user: UsingProcess) {
        let users = self.by_entry.entry(location).or_default();
        if let Err(place) = users.binary_search(&user) {
            users.insert(place, user);
        }
    }
}
