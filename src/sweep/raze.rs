//! The end of a purge: the folders that held the entries.

use bytesize::ByteSize;
use rustix::io::Errno;

use crate::cache::{Cache, CacheLock, Folder};
use crate::directory::Directory;
use crate::error::{Context, Result};

/// What razing a cache has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Razed {
    /// Bytes on disk that went with the folders.
    pub freed: ByteSize,
    /// Whether the cache directory itself is still there, empty: the path that was given is a
    /// symlink to it, and whoever has placed the cache elsewhere that way wants to find it there.
    pub kept_for_symlink: bool,
}

/// Removes the cache's empty folders, and then the cache directory.
///
/// # Errors
/// One of them is not empty, because something could not be removed or the owner of the cache has
/// written to it since; or the system refused.
pub fn raze(cache: &Cache, _lock: &CacheLock) -> Result<Razed> {
    let mut freed = ByteSize::b(0);
    for (folder, name) in [(Folder::Layers, c"layers"), (Folder::Refs, c"refs")] {
        let Some(directory) = cache.folder(folder)? else { continue };
        match cache.root().remove_directory(name) {
            Ok(()) => freed += size(&directory),
            Err(Errno::NOENT) => {}
            Err(cause) => return Err(cause).context("remove", cache.path().join(folder.name())),
        }
    }
    let status = std::fs::symlink_metadata(cache.path()).context("look at", cache.path())?;
    let kept_for_symlink = status.is_symlink();
    if !kept_for_symlink {
        let root = size(cache.root());
        std::fs::remove_dir(cache.path()).context("remove", cache.path())?;
        freed += root;
    }
    Ok(Razed { freed, kept_for_symlink })
}

/// A directory whose status cannot be had counts as nothing: then less is said to be freed.
fn size(directory: &Directory) -> ByteSize {
    ByteSize::b(directory.status().map_or(0, |status| status.on_disk()))
}
