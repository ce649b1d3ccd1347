//! Who uses what lies in the cache.
//!
//! The owner of the cache takes no lock, and the first microVM of a fresh pull runs inside the
//! cache entry itself. Whether anybody is in there, only the system knows: each process has a
//! command line, a current directory, a root, an executable, open files and mappings, and any of
//! them may lead into an entry. So each process is looked at, one at a time, and each path that it
//! holds is turned into the entry that it leads to ([`PathLookup`]).
//!
//! This is a look, not a lock: a process may begin to use an entry right after it. What cannot be
//! looked at (the links of other people's processes) is counted, unless the system hides that it
//! is there at all. The paths of a process in another mount namespace are read as they are meant
//! there, on Linux; what it has through an overlay of an entry is not seen.
//!
//! How processes are listed is in `linux/` and `portable.rs`, with equal signatures.

#[cfg(all(target_os = "linux", not(bbox_portable)))]
#[path = "linux/mod.rs"]
mod system;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
#[path = "portable.rs"]
mod system;

mod runner;
#[cfg(all(test, target_os = "linux", not(bbox_portable)))]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io::ErrorKind;

use super::path_lookup::PathLookup;
use super::{Cache, Location};
use crate::error::{Error, Result};
use crate::escape::Escaped;
use crate::fs::Directory;

/// A process that uses something in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct UsingProcess {
    /// Its number.
    pub pid: u32,
    /// The file name of its executable, or what it calls itself where that is not told. It is not
    /// safe to print.
    pub program: String,
    /// Whether it is a run of this program that holds a lease; as far as the system tells.
    pub holds_lease: bool,
}

impl UsingProcess {
    /// Whoever it is, in words that are safe to print, where the system may not have told.
    pub(crate) fn describe(user: Option<&Self>) -> String {
        user.map_or_else(|| "another process".to_owned(), Self::to_string)
    }
}

/// Like `go-microvm-runner (pid 1234)`, safe to print.
impl Display for UsingProcess {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", Escaped::new(&self.program), self.pid)
    }
}

/// Who uses what, at one moment: the answer of [`Cache::users`]. By default, nobody uses anything.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    by_entry: BTreeMap<Location, Vec<UsingProcess>>,
    uninspected: usize,
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

    /// How many processes could not be inspected in full: they belong to somebody else. What could
    /// be read of them, most often the command line, has been taken into account.
    pub fn uninspected(&self) -> usize {
        self.uninspected
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
    /// directory, root, executable, an open file or a mapping (the last two on Linux only). Other
    /// runs of this executable only walk the cache, and do not count on Linux, unless one of their
    /// arguments is `lease`.
    ///
    /// `None` where the system does not tell at all, as without a `/proc` on Linux.
    ///
    /// # Errors
    /// The processes cannot be listed.
    pub fn users(&self) -> Result<Option<InUse>> {
        match system::look(&PathLookup::new(self)) {
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
