//! Lists everything besides the image cache.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustix::io::Errno;

use super::tree::OutsideTree;
use super::vm_state::VmState;
use crate::cache::{Cache, EntryName, Folder, InUse, Location};
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, Status};

/// The kind of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BesideKind {
    /// Firmware for microVMs. Brood Box prunes it.
    Firmware,
    /// An extracted part of Brood Box's own program (`extract-*`). Nothing prunes it.
    Runtime,
    /// A snapshot of a workspace.
    Snapshot {
        /// Whether it has a sentinel. A crash before the sentinel is written leaks the snapshot.
        has_sentinel: bool,
    },
    /// The folder of a microVM.
    Vm(VmState),
    /// Anything else.
    Other,
}

/// One file or directory besides the image cache.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BesideItem {
    /// Its location.
    pub tree: OutsideTree,
    /// Its kind.
    pub kind: BesideKind,
    /// The modification time of the item itself, not of anything in it.
    pub modified: Timestamp,
    /// Whether a process uses it; `None` if unknown.
    pub in_use: Option<bool>,
}

/// Everything that Brood Box keeps on this machine besides its image cache. The default is nothing.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Beside {
    /// By folder and name.
    pub items: Vec<BesideItem>,
    /// Errors: items that could not be listed or inspected.
    pub problems: Vec<Error>,
    /// The folders that contain the items.
    pub(crate) folders: Vec<Status>,
}

/// A folder with items.
struct Listed<'a> {
    directory: Arc<Directory>,
    path: &'a Path,
    /// Sorted.
    names: Vec<EntryName>,
    /// `None` if unknown.
    in_use: Option<InUse>,
}

/// Determines the kind of an item.
type Classify = fn(&Listed<'_>, &EntryName) -> BesideKind;

/// The known folders of the cache home.
const FOLDERS: [(&str, Classify); 3] =
    [("firmware", |_, _| BesideKind::Firmware), ("runtime", runtime), ("snapshots", snapshot)];

fn runtime(_: &Listed<'_>, name: &EntryName) -> BesideKind {
    match name.as_bytes().starts_with(b"extract-") {
        true => BesideKind::Runtime,
        false => BesideKind::Other,
    }
}

fn snapshot(listed: &Listed<'_>, name: &EntryName) -> BesideKind {
    const SENTINEL: &[u8] = b".sentinel";
    let is_snapshot = name.as_bytes().starts_with(b".sandbox-snapshot-");
    if !is_snapshot || name.as_bytes().ends_with(SENTINEL) {
        return BesideKind::Other;
    }
    let sentinel = [name.as_bytes(), SENTINEL].concat();
    let find = |name: &EntryName| name.as_bytes().cmp(&sentinel);
    let has_sentinel = listed.names.binary_search_by(find).is_ok();
    BesideKind::Snapshot { has_sentinel }
}

fn vm(listed: &Listed<'_>, name: &EntryName) -> BesideKind {
    match listed.directory.open_folder(name.as_c_str()) {
        Err(Errno::NOTDIR | Errno::LOOP) => BesideKind::Other,
        _ => {
            let is_used = listed.is_used(name) == Some(true);
            BesideKind::Vm(VmState::read(&listed.directory, name, is_used))
        }
    }
}

/// The cache home of Brood Box that contains the image cache `cache_dir`. It is recognized by its
/// name, `broodbox`, or by a folder that only Brood Box creates.
fn home_of(cache_dir: &Path) -> Option<&Path> {
    let home = cache_dir.parent()?;
    let is_called = |path: &Path, name: &str| path.file_name().is_some_and(|last| last == name);
    let has_folder = || FOLDERS.iter().any(|(name, _)| home.join(name).is_dir());
    let is_home = is_called(cache_dir, "images") && (is_called(home, "broodbox") || has_folder());
    is_home.then_some(home)
}

impl Listed<'_> {
    fn is_used(&self, name: &EntryName) -> Option<bool> {
        let location = Location { folder: Folder::Root, name: name.clone() };
        Some(!self.in_use.as_ref()?.get(&location).is_empty())
    }
}

impl Beside {
    /// Lists everything next to the image cache `cache_dir`, and the folders of microVMs in `vms`.
    /// None of them needs to exist. Symlinks are listed but not followed.
    pub fn list(cache_dir: &Path, vms: Option<&Path>) -> Self {
        let mut found = Self::default();
        if let Some(home) = home_of(cache_dir) {
            found.add_home(home);
        }
        if let Some(vms) = vms {
            found.add_folder(vms, vm);
        }
        found
    }

    /// The trees of all items, in the same order.
    pub fn trees(&self) -> Vec<OutsideTree> {
        self.items.iter().map(|item| item.tree.clone()).collect()
    }

    /// Lists the known folders of the cache home. Anything else in it is one item each.
    fn add_home(&mut self, path: &Path) {
        let Some((home, _)) = self.open(path) else { return };
        for name in &home.names {
            let is_folder = home.directory.open_folder(name.as_c_str()).is_ok();
            let known = FOLDERS.iter().find(|(known, _)| name.as_bytes() == known.as_bytes());
            match known {
                _ if is_folder && name.as_bytes() == b"images" => {}
                Some((_, classify)) if is_folder => {
                    self.add_folder(&path.join(name.as_os_str()), *classify);
                }
                _ => self.add_item(&home, name, BesideKind::Other),
            }
        }
    }

    fn add_folder(&mut self, path: &Path, classify: Classify) {
        let Some((listed, cache)) = self.open(path) else { return };
        // The folder is laid out like a cache, so users of its items are found in the same way.
        let in_use = if listed.names.is_empty() { None } else { self.keep(cache.users()) };
        let listed = Listed { in_use, ..listed };
        for name in &listed.names {
            self.add_item(&listed, name, classify(&listed, name));
        }
    }

    fn add_item(&mut self, listed: &Listed<'_>, name: &EntryName, kind: BesideKind) {
        let path = listed.path.join(name.as_os_str());
        match listed.directory.status_of(name.as_c_str()) {
            Ok(status) => {
                let in_use = listed.is_used(name);
                let folder = Arc::clone(&listed.directory);
                let tree = OutsideTree { folder, name: name.clone(), path };
                let modified = status.modified();
                self.items.push(BesideItem { tree, kind, modified, in_use });
            }
            // It was removed in the meantime.
            Err(Errno::NOENT) => {}
            Err(cause) => self.problems.push(Error::io("read the status of", path, cause)),
        }
    }

    /// Opens and lists a folder, without the users of its items. `None` if it is missing.
    fn open<'p>(&mut self, path: &'p Path) -> Option<(Listed<'p>, Cache)> {
        let cache = match Cache::open(path) {
            Ok(cache) => cache?,
            Err(problem) => return self.miss(problem),
        };
        let mut names = Vec::new();
        let directory = match cache.folder(Folder::Root) {
            Ok(directory) => directory?,
            Err(problem) => return self.miss(problem),
        };
        let look = || {
            directory.for_each(|name, _| names.push(EntryName::from(name)))?;
            directory.status()
        };
        match { look }().context("list", path) {
            Ok(status) => self.folders.push(status),
            Err(problem) => return self.miss(problem),
        }
        names.sort();
        Some((Listed { directory: Arc::new(directory), path, names, in_use: None }, cache))
    }

    fn keep(&mut self, found: Result<Option<InUse>>) -> Option<InUse> {
        match found {
            Ok(found) => found,
            Err(problem) => self.miss(problem),
        }
    }

    fn miss<T>(&mut self, problem: Error) -> Option<T> {
        self.problems.push(problem);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kinds(found: &Beside) -> Vec<(String, BesideKind)> {
        let name = |item: &BesideItem| item.tree.name.to_string();
        found.items.iter().map(|item| (name(item), item.kind.clone())).collect()
    }

    #[test]
    fn each_folder_has_its_kinds_and_the_rest_is_other() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("broodbox");
        for path in [
            "images/sha256-a",
            "firmware/libkrunfw",
            "runtime/extract-12ab",
            "runtime/notes",
            "snapshots/.sandbox-snapshot-1",
            "snapshots/.sandbox-snapshot-2",
            "logs",
        ] {
            fs::create_dir_all(home.join(path)).unwrap();
        }
        fs::write(home.join("snapshots/.sandbox-snapshot-1.sentinel"), "").unwrap();
        std::os::unix::fs::symlink("/nowhere", home.join("link")).unwrap();
        let vms = dir.path().join("vms");
        fs::create_dir_all(vms.join("one/data")).unwrap();
        fs::write(vms.join("note"), "").unwrap();
        let found = Beside::list(&home.join("images"), Some(&vms));
        let expected = [
            ("libkrunfw", BesideKind::Firmware),
            ("link", BesideKind::Other),
            ("logs", BesideKind::Other),
            ("extract-12ab", BesideKind::Runtime),
            ("notes", BesideKind::Other),
            (".sandbox-snapshot-1", BesideKind::Snapshot { has_sentinel: true }),
            (".sandbox-snapshot-1.sentinel", BesideKind::Other),
            (".sandbox-snapshot-2", BesideKind::Snapshot { has_sentinel: false }),
            ("note", BesideKind::Other),
            ("one", BesideKind::Vm(VmState::Unknown)),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(kinds(&found), expected);
        assert_eq!(found.problems.len(), 0);
        // The home, its three folders, and that of the microVMs.
        assert_eq!(found.folders.len(), 5);
    }

    #[test]
    fn a_cache_elsewhere_has_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        for (path, is_home) in [
            ("images", false),
            ("broodbox/cache", false),
            ("broodbox/images", true),
            ("other/images", true),
        ] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
            fs::create_dir_all(dir.path().join("other/runtime")).unwrap();
            assert_eq!(home_of(&dir.path().join(path)).is_some(), is_home, "{path}");
        }
    }
}
