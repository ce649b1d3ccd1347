//! The second walker: the `jwalk` library.
//!
//! It walks by path, so a path beyond the system's limit is reported as unreadable. It walks one
//! tree after the other, each on all threads. Below the accounts it has no code in common with the
//! native walker, so the two can check each other: both must count alike.

use std::fs::symlink_metadata;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jwalk::{Parallelism, WalkDirGeneric};
use rayon::ThreadPool;

use super::batch::Batch;
use super::mount_points::MountPoints;
use super::reading::LookedInto;
use super::tree::TreeWalk;
use crate::fs::{Kind, Status};
use crate::stop::StopFlag;
use crate::usage::breakdown::DirId;

/// The size of a batch of entries, which do not arrive one directory at a time here.
const BATCH: usize = 1024;

/// The device of the tree's top. A directory on another device is a mount and not part of the tree.
type TopDevice = Option<u64>;
/// The result of a worker for an entry. `None` for a mount.
type Found = Option<io::Result<(Status, Option<LookedInto>)>>;
type Entry = jwalk::DirEntry<(TopDevice, Found)>;

pub fn walk(trees: &[TreeWalk<'_>], pool: &Arc<ThreadPool>, stop: &StopFlag) {
    for tree in trees {
        if stop.is_raised() {
            return;
        }
        tree.begin();
        if tree.mount_points().contain_path(Path::new("")) {
            tree.finish_directory(0);
            continue;
        }
        match tree.top_status() {
            Some(top) if top.kind == Kind::Directory => walk_tree(tree, pool, stop),
            // Here, and only here, the library would follow a symlink.
            Some(top) => {
                let mut batch = Batch::default();
                let looked = looked_into(tree.path(), &top, tree.reads_sharing());
                tree.note_file(&mut batch, tree.name().as_os_str(), &top, || {
                    std::fs::read_link(tree.path()).ok().map(Into::into)
                });
                count_found(tree, &top, looked, &mut batch);
                tree.commit(batch);
            }
            None => {}
        }
        tree.finish_directory(0);
    }
}

fn walk_tree(tree: &TreeWalk<'_>, pool: &Arc<ThreadPool>, stop: &StopFlag) {
    let parallelism = Parallelism::RayonExistingPool { pool: Arc::clone(pool), busy_timeout: None };
    let reads_sharing = tree.reads_sharing();
    let (top, mount_points) = (tree.path().to_path_buf(), tree.mount_points().clone());
    let entries = WalkDirGeneric::new(tree.path())
        .skip_hidden(false)
        .parallelism(parallelism)
        .process_read_dir(move |_, _, device, children| {
            leave_out(&top, &mount_points, children);
            look_at_all(device, children, reads_sharing);
        });
    let (mut batch, mut way) = (Batch::default(), Way::default());
    for (index, entry) in entries.into_iter().enumerate() {
        count(tree, entry, &mut way, &mut batch);
        if index % BATCH == BATCH - 1 {
            tree.commit(std::mem::take(&mut batch));
        }
        if stop.is_raised() {
            break;
        }
    }
    tree.commit(batch);
}

/// A mount must not be touched.
fn leave_out(top: &Path, mount_points: &MountPoints, children: &mut Vec<jwalk::Result<Entry>>) {
    children.retain(|child| {
        let path = child.as_ref().ok().map(Entry::path);
        let path = path.as_ref().and_then(|path| path.strip_prefix(top).ok());
        path.is_none_or(|path| !mount_points.contain_path(path))
    });
}

/// Runs on the workers for each directory. This takes most of the time.
fn look_at_all(device: &mut TopDevice, children: &mut [jwalk::Result<Entry>], reads_sharing: bool) {
    // Entries that could not be read stay in the list and are handled when they are counted.
    for child in children.iter_mut().flatten() {
        let path = child.path();
        let found = symlink_metadata(&path).map(|metadata| {
            let status = Status::from(&metadata);
            (status, looked_into(&path, &status, reads_sharing))
        });
        if let Ok((status, _)) = &found {
            let top = *device.get_or_insert(status.inode.device);
            if status.kind == Kind::Directory && status.inode.device != top {
                child.read_children = None;
                continue;
            }
        }
        child.client_state = Some(found);
    }
}

/// The directories that contain the current entry, the top first.
#[derive(Default)]
struct Way(Vec<DirId>);

impl Way {
    /// The parent of an entry at this depth. `None` for the top.
    fn above(&mut self, depth: usize) -> Option<DirId> {
        self.0.truncate(depth);
        self.0.last().copied()
    }

    /// The ID of a directory that is counted, or of the parent of anything else.
    fn dir_id(&mut self, tree: &TreeWalk<'_>, entry: &Entry, status: &Status) -> DirId {
        let above = self.above(entry.depth);
        if status.kind != Kind::Directory {
            return above.unwrap_or_default();
        }
        let dir = tree.dir_id(above, &entry.file_name, status);
        self.0.push(dir);
        dir
    }
}

fn count(tree: &TreeWalk<'_>, entry: jwalk::Result<Entry>, way: &mut Way, batch: &mut Batch) {
    match entry {
        Ok(mut entry) => {
            let mut dir = way.above(entry.depth).unwrap_or_default();
            match entry.client_state.take() {
                Some(Ok((status, looked))) => {
                    dir = way.dir_id(tree, &entry, &status);
                    if dir != batch.dir {
                        tree.commit(std::mem::replace(batch, Batch::new(dir)));
                    }
                    if status.kind != Kind::Directory {
                        let target = || std::fs::read_link(entry.path()).ok().map(Into::into);
                        tree.note_file(batch, &entry.file_name, &status, target);
                    }
                    count_found(tree, &status, looked, batch);
                }
                Some(Err(cause)) => miss(tree, dir, "read the status of", &entry.path(), cause),
                None => {}
            }
            let error = entry.read_children.as_ref().and_then(|children| children.error());
            if let Some(cause) = error.and_then(jwalk::Error::io_error) {
                miss(tree, dir, "open", &entry.path(), cause.kind().into());
            }
        }
        Err(error) => {
            let path = error.path().unwrap_or(tree.path()).to_path_buf();
            let dir = way.above(error.depth()).unwrap_or_default();
            let cause = error.into_io_error().unwrap_or_else(unknown);
            miss(tree, dir, "read the status of", &path, cause);
        }
    }
}

fn looked_into(path: &Path, status: &Status, reads_sharing: bool) -> Option<LookedInto> {
    let is_asked = reads_sharing && status.kind == Kind::File;
    is_asked.then(|| LookedInto::at(path, status))
}

fn count_found(
    tree: &TreeWalk<'_>,
    status: &Status,
    looked: Option<LookedInto>,
    batch: &mut Batch,
) {
    match looked {
        Some(looked) => tree.count_looked_into(batch, status, &looked),
        None => tree.count_closed(batch, status),
    }
}

/// An entry that has gone since it was listed is not an error.
fn miss(tree: &TreeWalk<'_>, dir: DirId, operation: &'static str, path: &Path, cause: io::Error) {
    if cause.kind() != io::ErrorKind::NotFound {
        tree.miss(dir, operation, path, cause);
    }
}

fn unknown() -> io::Error {
    io::Error::other("unknown error")
}
