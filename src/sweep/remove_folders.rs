//! The end of a purge: removes the folders of the cache.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::obstacle::explain;
use crate::cache::{Cache, Folder, LockedCache};
use crate::error::{Context, Error, Result};
use crate::fs::Directory;
use crate::usage::folder_usage;

/// The result of removing the folders of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedFolders {
    /// Bytes on disk freed by removing the folders.
    pub freed: ByteSize,
    /// Whether the cache directory itself is still there: it is a mount point, its parent is not
    /// writable, or the given path is a symlink to it. A user who has placed the cache elsewhere in
    /// one of these ways expects to find it there. It contains nothing but entries that this user
    /// cannot remove.
    pub kept_place: bool,
}

/// Bytes on disk that [`remove_folders`] frees: the folders themselves, without their contents.
pub fn folder_bytes(cache: &Cache) -> ByteSize {
    let folders = [Folder::Root, Folder::Layers, Folder::Refs];
    ByteSize::b(folders.iter().map(|&folder| bytes_of(cache, folder).as_u64()).sum())
}

/// A folder that cannot be inspected counts as zero; the failure to remove it is reported later.
fn bytes_of(cache: &Cache, folder: Folder) -> ByteSize {
    folder_usage(cache, folder).unwrap_or_default().on_disk().at_least()
}

/// Makes the folders of a cache accessible to their owner, so that they can be emptied.
///
/// # Errors
/// Fails if the system refuses.
pub fn unlock_folders(cache: &LockedCache) -> Result<()> {
    for (folder, name) in FOLDERS {
        if let Err(Errno::ACCESS) = cache.root().open_folder(name) {
            let opened = cache.root().make_child_writable(name);
            opened.context("open", folder.path_in(cache.path()))?;
        }
    }
    Ok(())
}

/// The folders inside the cache directory.
const FOLDERS: [(Folder, &CStr); 2] = [(Folder::Layers, c"layers"), (Folder::Refs, c"refs")];

/// Removes the cache's empty folders, and then the cache directory.
///
/// # Errors
/// Fails if one of them is not empty, because something could not be removed or the owner of the
/// cache has written to it since, or if the system refuses.
///
/// ```
/// use bbox_cache::{Jobs, StopFlag};
/// # use bbox_cache::cache::Cache;
/// use bbox_cache::cache::Patience;
/// use bbox_cache::gc;
/// use bbox_cache::jiff::Timestamp;
/// use bbox_cache::plan::{self, Activity};
/// use bbox_cache::sweep::{remove_folders, sweep};
/// use bbox_cache::usage::Progress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let directory = home.path().join("images");
/// # std::fs::create_dir_all(directory.join("sha256-8432/usr"))?;
/// # let cache = Cache::open(&directory)?.unwrap();
/// let cache = cache.lock(&StopFlag::new(), |_| Patience::GiveUp)?;
/// let inventory = cache.inventory()?;
/// let evidence = gc::gather(&cache, &inventory, Timestamp::now(), Activity::default());
/// let plan = plan::purge(&inventory, &evidence);
/// // Ask the user to confirm.
/// let progress = Progress::for_items(plan.locations(), StopFlag::new());
/// let (events, _) = bbox_cache::crossbeam_channel::unbounded();
/// sweep(&cache, &plan, Jobs::default(), &progress, &events)?;
/// remove_folders(&cache)?;
/// # assert!(!directory.exists());
/// # Ok(())
/// # }
/// ```
pub fn remove_folders(cache: &LockedCache) -> Result<RemovedFolders> {
    let mut freed = ByteSize::b(0);
    for (folder, name) in FOLDERS {
        let bytes = bytes_of(cache, folder);
        match cache.root().remove_directory(name) {
            Ok(()) => freed += bytes,
            // A file or symlink of that name is an entry with its own decision.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(cause) => return Err(cause).context("remove", folder.path_in(cache.path())),
        }
    }
    let bytes = bytes_of(cache, Folder::Root);
    let is_removed = remove_root(cache)?;
    if is_removed {
        freed += bytes;
    }
    Ok(RemovedFolders { freed, kept_place: !is_removed })
}

/// Returns whether the cache directory was removed. A mount point cannot be removed, nor a
/// directory in another user's directory, and a symlink to the cache is kept together with its
/// target. The path may lead elsewhere by now, but only this very directory is removed.
fn remove_root(cache: &Cache) -> Result<bool> {
    // Without a trailing slash, which would follow the symlink.
    let named: PathBuf = cache.path().components().collect();
    let (Some(parent), Some(name)) = (named.parent(), named.file_name()) else { return Ok(false) };
    let name = CString::new(name.as_bytes()).expect("a path that was opened has no NUL in it");
    let parent = match Directory::open(parent) {
        Err(Errno::ACCESS) => return Ok(false),
        opened => opened.context("open", parent)?,
    };
    let status = parent.status_of(&name).context("read the status of", &named)?;
    if status.inode != cache.root().status().context("read the status of", &named)?.inode {
        return Ok(false);
    }
    match parent.remove_directory(&name) {
        Ok(()) => Ok(true),
        Err(Errno::BUSY | Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(false),
        Err(Errno::NOTEMPTY | Errno::EXIST) if holds_only_refused(cache)? => Ok(false),
        Err(cause) => Err(Error::io("remove", named, explain(&parent, &name, cause))),
    }
}

/// Whether only entries that this user cannot remove are left.
fn holds_only_refused(cache: &Cache) -> Result<bool> {
    let inventory = cache.inventory_now()?;
    let refusals = cache.refusals(&inventory, cache.mounts()?.as_ref());
    Ok(inventory.entries.iter().all(|entry| refusals.get(&entry.location).is_some()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::Path;

    use super::*;
    use crate::StopFlag;
    use crate::cache::Patience;
    use crate::test_cache::TestCache;

    fn removed(path: &Path) -> RemovedFolders {
        let cache = Cache::open(path).unwrap().unwrap();
        remove_folders(&cache.lock(&StopFlag::new(), |_| Patience::GiveUp).unwrap()).unwrap()
    }

    #[test]
    fn the_folders_go_with_their_bytes_and_a_symlink_keeps_its_place() {
        for is_linked in [false, true] {
            let cache = TestCache::new();
            let bytes = |path: &Path| fs::symlink_metadata(path).unwrap().blocks() * 512;
            let folders = ["layers", "refs"].map(|name| cache.path(name));
            folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
            let inner: u64 = folders.iter().map(|folder| bytes(folder)).sum();
            let all = inner + bytes(&cache.dir());
            let link = cache.home().join("link");
            symlink("images", &link).unwrap();
            let place = if is_linked { link.clone() } else { cache.dir() };
            let opened = Cache::open(&place).unwrap().unwrap();
            assert_eq!(folder_bytes(&opened), ByteSize::b(all));
            let removed = removed(&place);
            let freed = ByteSize::b(if is_linked { inner } else { all });
            assert_eq!(removed, RemovedFolders { freed, kept_place: is_linked });
            assert_eq!(cache.dir().exists(), is_linked);
            assert!(folders.iter().all(|folder| !folder.exists()) && link.is_symlink());
        }
    }
}
