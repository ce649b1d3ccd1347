//! Why one item could not be taken a step further, and what to do about it where that is known.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::outcome::RemovalResult;
use crate::cache::{Cache, EntryName, Location};
use crate::error::{Error, Problems};
use crate::fs::Directory;

/// What was tried with an entry, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Obstacle {
    /// A verb that fits behind "cannot".
    pub operation: &'static str,
    pub cause: Errno,
}

impl Obstacle {
    /// Whether there is something else in the way than a lack of space.
    pub fn is_full_disk(self) -> bool {
        matches!(self.cause, Errno::NOSPC | Errno::DQUOT)
    }

    /// What this makes of the item at `location`, which is called `name` now.
    pub fn fate(self, cache: &Cache, location: &Location, name: &EntryName) -> RemovalResult {
        // Gone, or something else by now: then it is a stranger, and not ours to remove.
        if matches!(self.cause, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) {
            return RemovalResult::Gone;
        }
        let source = match cache.folder(location.folder) {
            Ok(Some(folder)) => explain(&folder, name.as_c_str(), self.cause),
            // The cause alone has to do.
            _ => self.cause.into(),
        };
        let path = location.folder.path_in(cache.path()).join(name.as_os_str());
        let mut problems = Problems::default();
        problems.push(Error::io(self.operation, path, source));
        RemovalResult::Failed { freed: ByteSize::b(0), problems: Arc::new(problems) }
    }
}

/// Gives an error number its operation.
pub(super) trait Attempt<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle>;
}

impl<T> Attempt<T> for rustix::io::Result<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle> {
        self.map_err(|cause| Obstacle { operation, cause })
    }
}

/// The error that `cause` is for the entry `name` of `holder`, with the way out if there is one.
pub(super) fn explain(holder: &Directory, name: &CStr, cause: Errno) -> io::Error {
    let plain = io::Error::from(cause);
    let own = rustix::process::geteuid().as_raw();
    match remedy(own, holder, name, cause) {
        Some(remedy) => {
            let cause = match cause {
                // What the system calls it says nothing.
                Errno::XDEV | Errno::BUSY if remedy == UNMOUNT => String::new(),
                _ => crate::error::cause(&plain) + "; ",
            };
            io::Error::new(plain.kind(), cause + &remedy)
        }
        None => plain,
    }
}

/// What the user `own` can do about it.
fn remedy(own: u32, holder: &Directory, name: &CStr, cause: Errno) -> Option<String> {
    match cause {
        Errno::XDEV => Some(UNMOUNT.to_owned()),
        Errno::BUSY if is_mounted(holder, name) => Some(UNMOUNT.to_owned()),
        Errno::NOSPC | Errno::DQUOT => Some(MAKE_ROOM.to_owned()),
        Errno::PERM if holder.is_immutable(name) => Some(unlock("it")),
        Errno::PERM if holder.is_immutable(c".") => Some(unlock("its directory")),
        Errno::PERM | Errno::ACCESS => foreign_owner(own, holder, name),
        _ => None,
    }
}

const UNMOUNT: &str = "something is mounted there; unmount it first";
const MAKE_ROOM: &str =
    "there is no room even for another name; free a little space, and run this again";

fn is_mounted(holder: &Directory, name: &CStr) -> bool {
    holder.status_of(name).is_ok_and(|status| status.mounted == Some(true))
}

fn unlock(what: &str) -> String {
    let command = if cfg!(target_os = "linux") { "chattr -i -a" } else { "chflags nouchg,noschg" };
    format!("{what} is marked as immutable or append-only, which `{command}` ends")
}

/// A directory decides about the names in it; if it is our own, the thing itself may refuse.
fn foreign_owner(own: u32, holder: &Directory, name: &CStr) -> Option<String> {
    if own == 0 {
        // Whatever it is that refuses root, its owner does not matter.
        return None;
    }
    let owners = [c".", name].map(|name| holder.owner_of(name).ok());
    let owner = owners.into_iter().flatten().find(|owner| *owner != own)?;
    Some(format!("it belongs to uid {owner}: run this as that user, or as root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do_where_that_is_known() {
        let home = tempfile::tempdir().unwrap();
        let holder = Directory::open(home.path()).unwrap();
        let said = |cause| explain(&holder, c"gone", cause).to_string();
        assert_eq!(said(Errno::XDEV), UNMOUNT);
        let no_room = format!("No space left on device; {MAKE_ROOM}");
        assert_eq!(said(Errno::NOSPC), no_room);
        assert!(said(Errno::DQUOT).ends_with(MAKE_ROOM));
        // Nothing is mounted or marked, and all of it is our own.
        for cause in [Errno::BUSY, Errno::PERM, Errno::ACCESS, Errno::IO] {
            assert_eq!(said(cause), io::Error::from(cause).to_string());
        }
        assert!(unlock("its directory").starts_with("its directory is marked as immutable"));
    }

    #[test]
    fn whoever_owns_something_is_named_to_others_but_root() {
        let home = tempfile::tempdir().unwrap();
        let holder = Directory::open(home.path()).unwrap();
        let own = holder.owner_of(c".").unwrap();
        for cause in [Errno::PERM, Errno::ACCESS] {
            assert_eq!(remedy(own, &holder, c"gone", cause), None);
            assert_eq!(remedy(0, &holder, c"gone", cause), None);
            let said = remedy(own.wrapping_add(1).max(1), &holder, c"gone", cause).unwrap();
            assert!(said.starts_with(&format!("it belongs to uid {own}")), "{said}");
        }
    }
}
