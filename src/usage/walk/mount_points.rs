//! Where something is mounted in a tree.
//!
//! That is no part of the tree, and may be a file system whose server does not answer, or an automounter
//! that would begin to work. So the list of mounts is looked at before anything is touched. Mounts that
//! are not in it, since it was read before they came, are met later and left alone.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::cache::EntryName;
use crate::fs::{Directory, mount_points};

/// The mount points of the system.
pub(in crate::usage) struct AllMountPoints(Vec<PathBuf>);

/// The mount points in one tree: hardly ever any.
#[derive(Clone, Debug, Default)]
pub(in crate::usage) struct MountPoints {
    /// The path of the tree as the system calls it.
    top: PathBuf,
    /// From there on; empty for the top itself.
    points: Vec<PathBuf>,
}

impl AllMountPoints {
    /// None where the system does not tell: then all are met in the walk.
    pub fn read() -> Self {
        Self(mount_points().unwrap_or_default())
    }

    /// Those in the tree `name` of `folder`.
    pub fn of_tree(&self, folder: &Directory, name: &EntryName) -> MountPoints {
        let Some(folder) = folder.path() else { return MountPoints::default() };
        let top = folder.join(name.as_os_str());
        let points = self.0.iter().filter_map(|point| point.strip_prefix(&top).ok());
        MountPoints { points: points.map(Path::to_path_buf).collect(), top }
    }
}

impl MountPoints {
    /// Whether something is mounted on `name` in an open directory.
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

    /// Whether something is mounted there; a path from the top of the tree.
    pub fn contain_path(&self, path: &Path) -> bool {
        self.points.iter().any(|point| point == path)
    }
}
