//! Mount points inside a tree.
//!
//! A mounted file system is not part of the tree, and its server may not respond, or it may be an
//! automounter. So the list of mounts is checked before anything is accessed. Later mounts are
//! recognized when they are reached, and skipped.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::cache::EntryName;
use crate::fs::{Directory, mount_points};

/// The mount points of the system.
pub(in crate::usage) struct AllMountPoints(Vec<PathBuf>);

/// The mount points in one tree, usually none.
#[derive(Clone, Debug, Default)]
pub(in crate::usage) struct MountPoints {
    /// The path of the tree according to the system.
    top: PathBuf,
    /// Relative to it; empty for the top itself.
    points: Vec<PathBuf>,
}

impl AllMountPoints {
    /// Empty if the system does not report mounts. They are then recognized during the walk.
    pub fn read() -> Self {
        Self(mount_points().unwrap_or_default())
    }

    /// The mount points in the tree `name` in `folder`.
    pub fn of_tree(&self, folder: &Directory, name: &EntryName) -> MountPoints {
        let Some(folder) = folder.path() else { return MountPoints::default() };
        let top = folder.join(name.as_os_str());
        let points = self.0.iter().filter_map(|point| point.strip_prefix(&top).ok());
        MountPoints { points: points.map(Path::to_path_buf).collect(), top }
    }
}

impl MountPoints {
    /// Whether `name` in an open directory is a mount point.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn contain(&self, directory: &Directory, name: &CStr) -> bool {
        !self.points.is_empty() && self.look_up(directory, name)
    }

    #[cold]
    fn look_up(&self, directory: &Directory, name: &CStr) -> bool {
        let name = OsStr::from_bytes(name.to_bytes());
        let is_called = |point: &PathBuf| point.file_name().is_none_or(|last| last == name);
        self.points.iter().any(is_called)
            && directory.path().is_some_and(|path| {
                path.join(name).strip_prefix(&self.top).is_ok_and(|path| self.contain_path(path))
            })
    }

    /// Whether a path, relative to the top of the tree, is a mount point.
    pub fn contain_path(&self, path: &Path) -> bool {
        self.points.iter().any(|point| point == path)
    }
}
