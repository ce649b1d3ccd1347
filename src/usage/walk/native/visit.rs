//! One directory: opened, listed and counted.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::io::Errno;

use super::walk::Walk;
use crate::fs::{Directory, Kind, NameList, Status};
use crate::usage::breakdown::DirId;
use crate::usage::walk::batch::Batch;

/// A directory that has been opened.
pub(super) struct Opened {
    pub directory: Directory,
    pub status: Status,
    pub dir: DirId,
}

impl Walk<'_> {
    /// Opens the directory `name` in `parent`, whose ID is `above` unless `name` is the top of the
    /// tree. If it cannot be opened, or the walk was stopped, the directory is finished.
    pub(super) fn open(
        self,
        parent: &Directory,
        above: Option<DirId>,
        name: &CStr,
    ) -> Option<Opened> {
        if self.stop.is_raised() {
            self.tree.finish_directory(0);
            return None;
        }
        match parent.open_child(name) {
            Ok((directory, status)) => {
                let dir = self.dir_id(above, name, &status);
                Some(Opened { directory, status, dir })
            }
            Err(cause) => {
                self.closed(parent, above, name, cause);
                None
            }
        }
    }

    fn dir_id(self, above: Option<DirId>, name: &CStr, status: &Status) -> DirId {
        self.tree.dir_id(above, plain(name), status)
    }

    /// Counts a directory and every file in it. Returns its subdirectories.
    pub(super) fn list(self, opened: &Opened) -> NameList {
        let Opened { directory, status, dir } = opened;
        let (mut batch, mut children) = (Batch::new(*dir), NameList::default());
        batch.add(status);
        let listed = directory.for_each(|name, kind| {
            self.look_at(directory, name, kind, &mut batch, &mut children);
        });
        if let Err(cause) = listed {
            self.tree.miss(*dir, "list", &self.path_of(directory, c"."), cause);
        }
        self.hand_in(batch, &children);
        children
    }

    /// Counts one entry of a directory, or adds it to the directories to visit.
    // The whole path that runs once per file is one function. Split into several, with a status
    // copied from one to the next, a walk took a tenth longer, most of it in the kernel.
    #[inline(always)]
    pub(super) fn look_at(
        self,
        directory: &Directory,
        name: &CStr,
        kind: Option<Kind>,
        batch: &mut Batch,
        children: &mut NameList,
    ) {
        if self.tree.mount_points().contain(directory, name) {
            return;
        }
        if kind == Some(Kind::Directory) {
            return children.push(name);
        }
        if self.tree.is_thorough() && self.look_into(directory, name, kind, batch) {
            return;
        }
        match directory.status_of(name) {
            Ok(status) if status.kind == Kind::Directory => children.push(name),
            // A single file can be a mount point, too. It is not part of the tree.
            Ok(status) if status.mounted == Some(true) => {}
            Ok(status) if self.tree.is_thorough() => {
                self.count_thoroughly(directory, batch, name, &status);
            }
            Ok(status) => self.tree.count(batch, &status),
            // Gone since it was listed, so it no longer takes any space.
            Err(Errno::NOENT) => {}
            Err(cause) => {
                self.tree.miss(
                    batch.dir,
                    "read the status of",
                    &self.path_of(directory, name),
                    cause,
                );
            }
        }
    }

    /// Counts an entry that is not open, in a walk that collects more than sizes.
    #[inline(never)]
    fn count_thoroughly(
        self,
        directory: &Directory,
        batch: &mut Batch,
        name: &CStr,
        status: &Status,
    ) {
        self.tree.note_file(batch, plain(name), status, || directory.read_link(name).ok());
        self.tree.count_closed(batch, status);
    }

    /// Counts a regular file and what it shares, if that is wanted. Returns whether it could.
    #[inline(never)]
    fn look_into(
        self,
        directory: &Directory,
        name: &CStr,
        kind: Option<Kind>,
        batch: &mut Batch,
    ) -> bool {
        if !self.tree.reads_sharing() {
            return false;
        }
        let kind = kind.or_else(|| Some(directory.status_of(name).ok()?.kind));
        if kind != Some(Kind::File) {
            return false;
        }
        match directory.open_data_with_status(name) {
            Ok((file, status)) if status.kind == Kind::File && status.mounted != Some(true) => {
                self.tree.note_file(batch, plain(name), &status, || None);
                self.tree.count_open(batch, file, status);
                true
            }
            _ => false,
        }
    }

    /// Commits the counts of one directory before its children are visited.
    pub(super) fn hand_in(self, batch: Batch, children: &NameList) {
        self.tree.commit(batch);
        self.tree.finish_directory(children.len());
    }

    /// A directory that cannot be opened still occupies its own space, unless it is gone or belongs
    /// to a mount, which is not part of the cache.
    pub(super) fn closed(
        self,
        parent: &Directory,
        above: Option<DirId>,
        name: &CStr,
        cause: Errno,
    ) {
        match cause {
            Errno::NOENT | Errno::XDEV => {}
            cause => self.count_closed(parent, above, name, cause),
        }
        self.tree.finish_directory(0);
    }

    fn count_closed(self, parent: &Directory, above: Option<DirId>, name: &CStr, cause: Errno) {
        let status = parent.status_of(name).ok();
        let is_directory = status.map(|status| status.kind == Kind::Directory);
        let dir = match &status {
            Some(status) if status.kind == Kind::Directory => self.dir_id(above, name, status),
            _ => above.unwrap_or_default(),
        };
        let mut batch = Batch::new(dir);
        if let Some(status) = &status {
            batch.add(status);
        }
        self.tree.commit(batch);
        // Something else may be there by now.
        if is_directory != Some(false) {
            self.tree.miss(dir, "open", &self.path_of(parent, name), cause);
        }
    }

    /// The path of an entry, for a message. The walk itself does not keep track of paths.
    pub(super) fn path_of(self, directory: &Directory, name: &CStr) -> PathBuf {
        let below = directory.path().unwrap_or_else(|| self.tree.path().join("…"));
        below.join(plain(name))
    }
}

fn plain(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
