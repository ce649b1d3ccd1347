//! The walker that holds directories by their descriptors.
//!
//! A directory is a task: it opens its directory relative to its parent, lists it, looks at every
//! file in it, and spawns a task for each directory in it. Idle threads steal tasks, so the work
//! is shared at directory grain, within a tree and between trees. Each thread takes its own newest
//! task first, so it goes deep before it goes wide, and few directories are open at a time: a
//! parent only until its last child has been opened.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use rayon::{Scope, ThreadPool};
use rustix::io::Errno;

use super::tree::{Batch, TreeWalk};
use crate::directory::{Directory, Kind};
use crate::stop::StopFlag;

pub fn walk(trees: &[TreeWalk<'_>], pool: &ThreadPool, stop: &StopFlag) {
    pool.scope(|scope| {
        for tree in trees {
            scope.spawn(move |scope| Walk { tree, stop }.begin(scope));
        }
    });
}

/// One tree's walk, as every task of it knows it.
#[derive(Clone, Copy)]
struct Walk<'s> {
    tree: &'s TreeWalk<'s>,
    stop: &'s StopFlag,
}

impl<'s> Walk<'s> {
    /// The top of a tree is known by name only: it may be a single file.
    fn begin(self, scope: &Scope<'s>) {
        self.tree.begin();
        let Some(folder) = self.tree.folder() else { return self.tree.finish_directory(0) };
        let (mut batch, mut children) = (Batch::default(), Vec::new());
        self.look_at(folder, self.tree.name.as_c_str(), None, &mut batch, &mut children);
        self.spawn(scope, folder, batch, children);
    }

    /// Visits the directory `name` in `parent`.
    fn visit(self, scope: &Scope<'s>, parent: Arc<Directory>, name: &CStr) {
        if self.stop.is_raised() {
            return self.tree.finish_directory(0);
        }
        match parent.open_child(name) {
            Ok((directory, status)) => {
                drop(parent);
                let mut batch = Batch::default();
                batch.add(&status);
                self.list(scope, directory, batch);
            }
            Err(cause) => {
                self.closed(&parent, name, cause);
                self.tree.finish_directory(0);
            }
        }
    }

    fn list(self, scope: &Scope<'s>, directory: Directory, mut batch: Batch) {
        let mut children = Vec::new();
        let listed = directory.for_each(|name, kind| {
            self.look_at(&directory, name, kind, &mut batch, &mut children);
        });
        if let Err(cause) = listed {
            self.tree.miss("list", &self.path_of(&directory, c"."), cause);
        }
        self.spawn(scope, &Arc::new(directory), batch, children);
    }

    /// Counts one entry of a directory, or notes it as a directory to visit.
    fn look_at(
        self,
        directory: &Directory,
        name: &CStr,
        kind: Option<Kind>,
        batch: &mut Batch,
        children: &mut Vec<CString>,
    ) {
        if kind == Some(Kind::Directory) {
            return children.push(name.to_owned());
        }
        match directory.status_of(name) {
            Ok(status) if status.kind == Kind::Directory => children.push(name.to_owned()),
            // A single file can be mounted, too.
            Ok(status) if status.mounted == Some(true) => {
                self.tree.note_mount(self.path_of(directory, name));
            }
            Ok(status) => batch.add(&status),
            // It has gone since it was listed, and no longer takes any space.
            Err(Errno::NOENT) => {}
            Err(cause) => self.tree.miss("look at", &self.path_of(directory, name), cause),
        }
    }

    /// Hands in what one directory has shown, and spawns what is below it.
    fn spawn(
        self,
        scope: &Scope<'s>,
        directory: &Arc<Directory>,
        batch: Batch,
        children: Vec<CString>,
    ) {
        self.tree.commit(batch);
        self.tree.finish_directory(children.len());
        for name in children {
            let parent = Arc::clone(directory);
            scope.spawn(move |scope| self.visit(scope, parent, &name));
        }
    }

    /// A directory that cannot be opened still takes its own space, unless it is gone or belongs
    /// to a mount, which is not part of the cache.
    fn closed(self, parent: &Directory, name: &CStr, cause: Errno) {
        match cause {
            Errno::NOENT => return,
            Errno::XDEV => return self.tree.note_mount(self.path_of(parent, name)),
            _ => {}
        }
        let mut batch = Batch::default();
        let replaced = match parent.status_of(name) {
            Ok(status) => {
                batch.add(&status);
                status.kind != Kind::Directory
            }
            Err(_) => false,
        };
        self.tree.commit(batch);
        if !replaced {
            self.tree.miss("open", &self.path_of(parent, name), cause);
        }
    }

    /// Where an entry is, for a message. Nothing on the way down remembers paths.
    fn path_of(self, directory: &Directory, name: &CStr) -> std::path::PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let below = directory.path().unwrap_or_else(|| self.tree.path.join("…"));
        below.join(std::ffi::OsStr::from_bytes(name.to_bytes()))
    }
}
