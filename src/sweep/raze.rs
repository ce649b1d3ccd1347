//! The end of a purge: the folders that held the entries.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use rustix::io::Errno;

use crate::cache::{Cache, CacheLock, Folder};
use crate::error::{Context, Result};
use crate::usage::folder_usage;

/// What razing a cache has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Razed {
    /// Bytes on disk that went with the folders.
    pub freed: ByteSize,
    /// Whether the cache directory itself is still there, empty: it is a mount point, or the path
    /// that was given is a symlink to it. Whoever has placed the cache elsewhere that way wants to
    /// find it there.
    pub kept_place: bool,
}

/// Bytes on disk that [`raze`] gives back: the folders without what is in them.
pub fn razable(cache: &Cache) -> ByteSize {
    let folders = [Folder::Root, Folder::Layers, Folder::Refs];
    ByteSize::b(folders.iter().map(|&folder| bytes_of(cache, folder).as_u64()).sum())
}

/// What cannot be looked at does not count as freed; that it cannot be removed is reported then.
fn bytes_of(cache: &Cache, folder: Folder) -> ByteSize {
    folder_usage(cache, folder).unwrap_or_default().on_disk
}

/// Removes the cache's empty folders, and then the cache directory.
///
/// # Errors
/// One of them is not empty, because something could not be removed or the owner of the cache has
/// written to it since; or the system refused.
pub fn raze(cache: &Cache, _lock: &CacheLock) -> Result<Razed> {
    let mut freed = ByteSize::b(0);
    for (folder, name) in [(Folder::Layers, c"layers"), (Folder::Refs, c"refs")] {
        let bytes = bytes_of(cache, folder);
        match cache.root().remove_directory(name) {
            Ok(()) => freed += bytes,
            Err(Errno::NOENT) => {}
            Err(cause) => return Err(cause).context("remove", folder.path_in(cache.path())),
        }
    }
    let bytes = bytes_of(cache, Folder::Root);
    // Without a slash at its end, which would lead through the symlink.
    let named: PathBuf = cache.path().components().collect();
    let status = std::fs::symlink_metadata(&named).context("look at", &named)?;
    let kept_place = status.is_symlink() || !remove_root(&named)?;
    if !kept_place {
        freed += bytes;
    }
    Ok(Razed { freed, kept_place })
}

/// Whether it could be removed: a mount point cannot.
fn remove_root(named: &Path) -> Result<bool> {
    let place = named.canonicalize().context("find", named)?;
    match rustix::fs::rmdir(&place) {
        Ok(()) => Ok(true),
        Err(Errno::BUSY) => Ok(false),
        Err(cause) => Err(cause).context("remove", place),
    }
}
