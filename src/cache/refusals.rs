//! Entries that the system would refuse to remove, detected before anything is hidden.
//!
//! If an entry is hidden first and refused later, Brood Box loses it and no space is freed. So the
//! entry itself, its top directory and the names in that directory are checked: who owns them,
//! whether they are immutable, and whether they are in a read-only subvolume. Anything deeper can
//! still be refused; the sweep reports that. A check that fails counts as no refusal, because the
//! sweep would report it.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::entry_name::EntryName;
use super::handle::Cache;
use super::inventory::Inventory;
use super::location::{Folder, Location};
use super::mounts::Mounts;
use crate::escape::Escaped;
use crate::fs::{Directory, Kind};

/// Why the system refuses to remove something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCause {
    /// It belongs to the user with this ID, and its permissions keep others out.
    ForeignOwner(u32),
    /// It is marked as immutable or append-only.
    Immutable,
    /// Its file system is mounted read-only.
    ReadOnlyMount,
    /// It is a read-only subvolume or snapshot, or inside one.
    ReadOnlySubvolume,
}

/// Why an entry cannot be removed, and which path is the obstacle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The path that is refused: the entry, something in it, or the folder that contains it.
    pub path: PathBuf,
    /// The reason.
    pub cause: RefusalCause,
}

/// Entries that the system refuses to remove. By default none are known.
#[derive(Clone, Debug, Default)]
pub struct Refusals(HashMap<Location, Refusal>);

impl RefusalCause {
    /// Why user `own` cannot remove `name` from the directory `holder`.
    pub(crate) fn of_name(own: u32, holder: &Directory, name: &CStr) -> Option<Self> {
        if holder.is_immutable(name) {
            return Some(Self::Immutable);
        }
        let is_sticky = holder.status().is_ok_and(|status| status.mode & STICKY != 0);
        let is_foreign = |name| holder.owner_of(name).ok().filter(|owner| *owner != own);
        match own != 0 && is_sticky && is_foreign(c".").is_some() {
            true => is_foreign(name).map(Self::ForeignOwner),
            false => None,
        }
    }

    /// Why user `own` cannot remove names from the subdirectory `name` of `holder`, or from `.`.
    /// The mode of the user's own directory is no obstacle, because the sweep changes it.
    pub(crate) fn of_content(own: u32, holder: &Directory, name: &CStr) -> Option<Self> {
        match holder.check_writable(name) {
            Err(Errno::ACCESS) => {
                let owner = holder.owner_of(name).ok()?;
                (owner != own).then_some(Self::ForeignOwner(owner))
            }
            Err(Errno::PERM) => Some(Self::Immutable),
            Err(Errno::ROFS) if holder.is_mounted_read_only() => Some(Self::ReadOnlyMount),
            Err(Errno::ROFS) => Some(Self::ReadOnlySubvolume),
            _ if holder.is_immutable(name) => Some(Self::Immutable),
            _ => None,
        }
    }

    /// A phrase that follows "it": the reason, and what to do about it at `path`. Safe to print.
    pub(crate) fn words(self, path: &Path) -> String {
        let path = Escaped::new(path);
        match self {
            Self::ForeignOwner(owner) => {
                format!("is owned by uid {owner}: run this as that user or as root")
            }
            Self::Immutable if cfg!(target_os = "linux") => {
                format!("is marked as immutable or append-only: run `chattr -i -a {path}`")
            }
            Self::Immutable => {
                format!("is marked as immutable or append-only: run `chflags nouchg,noschg {path}`")
            }
            Self::ReadOnlyMount => {
                "is on a file system that is mounted read-only: remount it read-write".to_owned()
            }
            Self::ReadOnlySubvolume => {
                format!("is in a read-only subvolume: run `btrfs property set -ts {path} ro false`")
            }
        }
    }
}

/// Names in a sticky directory can only be removed by their owner and the directory's owner.
const STICKY: u32 = 0o1000;

/// `/cache/sha256-0123/usr is owned by uid 0: run this as that user or as root`. Safe to print.
impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Escaped::new(&self.path), self.cause.words(&self.path))
    }
}

impl Refusals {
    /// Why the entry at `location` cannot be removed, if known.
    pub fn get(&self, location: &Location) -> Option<&Refusal> {
        self.0.get(location)
    }
}

impl FromIterator<(Location, Refusal)> for Refusals {
    fn from_iter<I: IntoIterator<Item = (Location, Refusal)>>(refusals: I) -> Self {
        Self(refusals.into_iter().collect())
    }
}

impl Cache {
    /// Finds entries that this user cannot remove, judging by the tops of their trees. Skips
    /// entries with a mount in them: they are kept anyway, and a mount may never answer.
    pub fn refusals(&self, inventory: &Inventory, mounts: Option<&Mounts>) -> Refusals {
        let own = rustix::process::geteuid().as_raw();
        let is_mounted = |at: &&Location| mounts.is_some_and(|mounts| mounts.get(at).is_some());
        let entries = inventory.entries.iter().map(|entry| &entry.location);
        let entries = entries.filter(|at| !is_mounted(at));
        let entries: Vec<_> = entries.map(|at| (at.folder, &at.name)).collect();
        let refs = inventory.refs.files().map(|file| (Folder::Refs, file));
        let names: Vec<_> = entries.into_iter().chain(refs).collect();
        let folders = [Folder::Root, Folder::Layers, Folder::Refs];
        folders.into_iter().flat_map(|folder| self.refusals_in(folder, &names, own)).collect()
    }

    fn refusals_in(
        &self,
        folder: Folder,
        names: &[(Folder, &EntryName)],
        own: u32,
    ) -> Vec<(Location, Refusal)> {
        let Ok(Some(directory)) = self.try_folder(folder) else { return Vec::new() };
        let path = folder.path_in(self.path());
        let of_folder = RefusalCause::of_content(own, &directory, c".");
        let of_folder = of_folder.map(|cause| Refusal { path: path.clone(), cause });
        let look = |name: &EntryName| {
            let path = path.join(name.as_os_str());
            of_folder.clone().or_else(|| of_tree(own, &directory, name.as_c_str(), path))
        };
        let names = names.iter().filter(|(place, _)| *place == folder).map(|(_, name)| *name);
        let refused = names.filter_map(|name| Some((name, look(name)?)));
        refused.map(|(name, found)| (Location { folder, name: name.clone() }, found)).collect()
    }
}

/// Checks an entry, its children, and whether the directories among them can be emptied.
fn of_tree(own: u32, holder: &Directory, name: &CStr, path: PathBuf) -> Option<Refusal> {
    if let Some(cause) = RefusalCause::of_name(own, holder, name) {
        return Some(Refusal { path, cause });
    }
    if !holder.status_of(name).is_ok_and(|status| status.kind == Kind::Directory) {
        return None;
    }
    if let Some(cause) = of_filled(own, holder, name) {
        return Some(Refusal { path, cause });
    }
    let (top, _) = holder.open_child(name).ok()?;
    let refused = |(name, kind): &(CString, Option<Kind>)| {
        let of_content = || match kind {
            Some(Kind::Directory) => of_filled(own, &top, name),
            _ => None,
        };
        let cause = RefusalCause::of_name(own, &top, name).or_else(of_content)?;
        Some(Refusal { path: path.join(EntryName::from(name.as_c_str()).as_os_str()), cause })
    };
    let mut names = Vec::new();
    top.for_each(|name, kind| names.push((name.to_owned(), kind))).ok()?;
    names.iter().find_map(refused)
}

/// Why a directory cannot be emptied. `None` if it is empty already, unless it is immutable.
fn of_filled(own: u32, holder: &Directory, name: &CStr) -> Option<RefusalCause> {
    let cause = RefusalCause::of_content(own, holder, name)?;
    (cause == RefusalCause::Immutable || !is_empty(holder, name)).then_some(cause)
}

/// A directory that cannot be listed counts as not empty.
fn is_empty(holder: &Directory, name: &CStr) -> bool {
    let Ok((directory, _)) = holder.open_child(name) else { return false };
    let mut is_empty = true;
    directory.for_each(|_, _| is_empty = false).is_ok() && is_empty
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Also checks on behalf of another user than the owner of the files. Permissions do not bind
    /// root.
    #[test]
    fn a_refusal_has_the_path_and_its_owner() {
        if rustix::process::geteuid().is_root() {
            // Nothing is refused to root. `tests/e2e/refused.rs` tests that with two users.
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let folder = Directory::open(home.path()).unwrap();
        let (own, image) = (folder.owner_of(c".").unwrap(), home.path().join("a"));
        fs::create_dir_all(image.join("usr/lib")).unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        let other = own.wrapping_add(1);
        let found = |user| of_tree(user, &folder, c"a", image.clone());
        let refusal = |path: &Path| {
            let cause = RefusalCause::ForeignOwner(own);
            Some(Refusal { path: path.to_owned(), cause })
        };
        assert_eq!(found(other), None, "all of it is writable");
        set(&image.join("usr"), 0o500);
        assert_eq!((found(own), found(other)), (None, refusal(&image.join("usr"))));
        set(&image, 0o500);
        assert_eq!((found(own), found(other)), (None, refusal(&image)));
        set(&image, 0o700);
        set(&image.join("usr"), 0o700);
        fs::remove_dir(image.join("usr/lib")).unwrap();
        set(&image.join("usr"), 0o500);
        assert_eq!(found(other), None, "an empty directory needs only its parent's permission");
        set(&image.join("usr"), 0o700);
    }

    #[test]
    fn a_hint_ends_with_a_command_that_can_be_pasted() {
        let path = PathBuf::from("/c/sha256-a");
        for (cause, words) in [
            (RefusalCause::ForeignOwner(0), "is owned by uid 0: run this as that user or as root"),
            (
                RefusalCause::ReadOnlySubvolume,
                "is in a read-only subvolume: run `btrfs property set -ts /c/sha256-a ro false`",
            ),
        ] {
            let refusal = Refusal { path: path.clone(), cause };
            assert_eq!(refusal.to_string(), format!("/c/sha256-a {words}"));
        }
    }
}
