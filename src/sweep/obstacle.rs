//! Why an item could not be processed further, and what the user can do about that.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::outcome::RemovalResult;
use crate::cache::{Cache, EntryName, Location, RefusalCause};
use crate::error::{Error, Problems};
use crate::fs::Directory;

/// The operation that hides an entry.
pub(super) const RENAME: &str = "rename";

/// An operation that failed on an entry, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Obstacle {
    /// A verb that fits after "cannot".
    pub operation: &'static str,
    pub cause: Errno,
}

impl Obstacle {
    /// Whether the item could be removed although it cannot be renamed. Possible reasons: there is
    /// no room for a name, it is in a lower layer of an overlay, it belongs to another project, or
    /// the file system supports no renames.
    pub fn forbids_only_renames(self) -> bool {
        use Errno as E;
        let is_refused = is_no_room(self.cause) || self.cause == E::XDEV;
        let is_unknown = matches!(self.cause, E::NOSYS | E::NOTSUP | E::INVAL | E::NAMETOOLONG);
        self.operation == RENAME && (is_refused || is_unknown)
    }

    /// The result for the item at `location`, which is now called `name`.
    pub fn fate(self, cache: &Cache, location: &Location, name: &EntryName) -> RemovalResult {
        // Gone, or replaced by a foreign item that must not be removed.
        if matches!(self.cause, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) {
            return RemovalResult::Gone;
        }
        let source = match cache.folder(location.folder) {
            Ok(Some(folder)) if self.forbids_only_renames() => {
                explain_rename(&folder, name.as_c_str(), self.cause)
            }
            Ok(Some(folder)) => explain(&folder, name.as_c_str(), self.cause),
            // Without further explanation.
            _ => self.cause.into(),
        };
        let path = location.folder.path_in(cache.path()).join(name.as_os_str());
        let mut problems = Problems::default();
        problems.push(Error::io(self.operation, path, source));
        RemovalResult::Failed { freed: ByteSize::b(0), problems: Arc::new(problems) }
    }
}

/// Adds the operation to an error number.
pub(super) trait Attempt<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle>;
}

impl<T> Attempt<T> for rustix::io::Result<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle> {
        self.map_err(|cause| Obstacle { operation, cause })
    }
}

/// Turns `cause` into an error for the entry `name` of `holder`, with a remedy if one is known.
pub(super) fn explain(holder: &Directory, name: &CStr, cause: Errno) -> io::Error {
    let own = rustix::process::geteuid().as_raw();
    with_remedy(cause, remedy(own, holder, name, cause))
}

/// Explains why an entry cannot be renamed although it could be removed.
fn explain_rename(holder: &Directory, name: &CStr, cause: Errno) -> io::Error {
    let remedy = match is_no_room(cause) {
        _ if holder.is_mount_point(name) => UNMOUNT,
        true => MAKE_ROOM,
        false => IN_PLACE,
    };
    with_remedy(cause, Some(remedy.to_owned()))
}

fn with_remedy(cause: Errno, remedy: Option<String>) -> io::Error {
    let plain = io::Error::from(cause);
    match remedy {
        Some(remedy) => {
            let cause = match cause {
                // The system's own words for these say nothing.
                Errno::XDEV | Errno::BUSY if remedy == UNMOUNT => String::new(),
                _ => crate::error::cause(&plain) + "; ",
            };
            io::Error::new(plain.kind(), cause + &remedy)
        }
        None => plain,
    }
}

/// What the user `own` can do about `cause`, judging from the current state of the file system.
fn remedy(own: u32, holder: &Directory, name: &CStr, cause: Errno) -> Option<String> {
    match cause {
        Errno::XDEV | Errno::BUSY if holder.is_mount_point(name) => Some(UNMOUNT.to_owned()),
        cause if is_no_room(cause) => Some("free some space and run this again".to_owned()),
        Errno::PERM | Errno::ACCESS | Errno::ROFS => refusal(own, holder, name),
        _ => None,
    }
}

const UNMOUNT: &str = "something is mounted there; unmount it first";
const MAKE_ROOM: &str = "not even a rename is possible; \
    free some space and run this again, or use --in-place";
const IN_PLACE: &str = "the file system cannot rename it; use --in-place to remove it where it is";

fn is_no_room(cause: Errno) -> bool {
    matches!(cause, Errno::NOSPC | Errno::DQUOT)
}

/// What refuses the removal, and the remedy: the item itself or its directory.
fn refusal(own: u32, holder: &Directory, name: &CStr) -> Option<String> {
    let path = holder.path().unwrap_or_default();
    if let Some(cause) = RefusalCause::of_name(own, holder, name) {
        let path = path.join(EntryName::from(name).as_os_str());
        return Some(format!("it {}", cause.words(&path)));
    }
    if let Some(cause) = RefusalCause::of_content(own, holder, c".") {
        return Some(format!("its directory {}", cause.words(&path)));
    }
    // The directory allows it, so the entry itself must be protected.
    let owner = holder.owner_of(name).ok().filter(|owner| own != 0 && *owner != own)?;
    Some(format!("it {}", RefusalCause::ForeignOwner(owner).words(&path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do_if_that_is_known() {
        let home = tempfile::tempdir().unwrap();
        let holder = Directory::open(home.path()).unwrap();
        let said = |cause| explain(&holder, c"gone", cause).to_string();
        assert!(said(Errno::NOSPC).ends_with("free some space and run this again"));
        // Nothing is mounted or marked, and everything belongs to this user.
        for cause in [Errno::BUSY, Errno::XDEV, Errno::PERM, Errno::ACCESS, Errno::IO] {
            assert_eq!(said(cause), io::Error::from(cause).to_string());
        }
    }

    #[test]
    fn an_obstacle_to_renames_alone_leads_to_a_removal_in_place() {
        use Errno as E;
        let home = tempfile::tempdir().unwrap();
        let holder = Directory::open(home.path()).unwrap();
        for (operation, cause, remedy) in [
            (RENAME, E::NOSPC, Some(MAKE_ROOM)),
            (RENAME, E::DQUOT, Some(MAKE_ROOM)),
            (RENAME, E::XDEV, Some(IN_PLACE)),
            (RENAME, E::NOSYS, Some(IN_PLACE)),
            (RENAME, E::NAMETOOLONG, Some(IN_PLACE)),
            (RENAME, E::BUSY, None),
            (RENAME, E::ROFS, None),
            (RENAME, E::ACCESS, None),
            (RENAME, E::PERM, None),
            (RENAME, E::IO, None),
            ("lock", E::NOSPC, None),
        ] {
            let obstacle = Obstacle { operation, cause };
            assert_eq!(obstacle.forbids_only_renames(), remedy.is_some(), "{obstacle:?}");
            let said = explain_rename(&holder, c"gone", cause).to_string();
            let plain = crate::error::cause(&io::Error::from(cause));
            assert!(remedy.is_none_or(|remedy| said == format!("{plain}; {remedy}")), "{said}");
        }
    }

    #[test]
    fn the_foreign_owner_is_shown_to_everyone_but_root() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        let holder = Directory::open(home.path()).unwrap();
        let own = holder.owner_of(c".").unwrap();
        for cause in [Errno::PERM, Errno::ACCESS] {
            for user in [own, 0] {
                assert_eq!(remedy(user, &holder, c"file", cause), None);
            }
            let said = remedy(own.wrapping_add(1), &holder, c"file", cause).unwrap();
            assert!(said.starts_with(&format!("it is owned by uid {own}")), "{said}");
        }
    }
}
