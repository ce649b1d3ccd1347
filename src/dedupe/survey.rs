//! Walks all trees in lockstep: one directory of all of them at a time.
//!
//! A task opens the directory at one path in each tree that has it, and compares their entries. So
//! only the names in the directories being processed are in memory, however many files there are.
//! Files with the same path and size are examined, and become a group unless they share all of
//! their data already.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::Scope;
use rustix::io::Errno;

use super::group::{Group, TreeId};
use super::layout::{Layout, end};
use super::left_out::{LeftOut, Reason};
use super::progress::Progress;
use super::trees::Tree;
use super::twins::{Pairing, Part, Twin, pair};
use crate::fs::{DataFile, Directory, FileMap, InodeId, Kind, MappedExtent, Status, VolumeKind};
use crate::jobs::Pool;
use crate::stop::StopFlag;

/// btrfs stores files up to this size in the metadata, unless mounted with another limit.
const BTRFS_INLINE: u64 = 2048;

/// Finds files that could share their data.
pub struct Survey<'a> {
    pub trees: &'a [Tree],
    /// Ignore smaller files.
    pub min_size: u64,
    /// The file system stores files up to this size in the metadata.
    pub inline: u64,
    pub progress: &'a Progress,
    pub stop: &'a StopFlag,
    /// Held while a file is examined on XFS, where waiting for it is shorter than waiting in the
    /// kernel (see `usage/walk/reading.rs`). One file takes a few microseconds, so a plain lock is
    /// faster here than turns of several files.
    turn: Option<Mutex<()>>,
    found: Mutex<Found>,
}

/// What has been found so far.
#[derive(Default)]
pub struct Found {
    pub groups: Vec<Group>,
    pub left_out: LeftOut,
    /// Files with several names that are already in a group: each frees its space only once.
    claimed: HashSet<InodeId>,
}

/// The directories at the same path in several trees.
struct Place {
    path: CString,
    trees: Vec<TreeId>,
}

/// An open directory of one tree.
struct Opened {
    tree: TreeId,
    directory: Directory,
}

/// A name in one of the open directories.
struct Listed {
    name: CString,
    opened: usize,
    kind: Option<Kind>,
}

impl<'a> Survey<'a> {
    pub fn new(
        trees: &'a [Tree],
        min_size: u64,
        kind: Option<VolumeKind>,
        progress: &'a Progress,
        stop: &'a StopFlag,
    ) -> Self {
        let inline = if kind == Some(VolumeKind::Btrfs) { BTRFS_INLINE } else { 0 };
        let turn = (kind == Some(VolumeKind::Xfs)).then(Mutex::default);
        Self { trees, min_size, inline, progress, stop, turn, found: Mutex::default() }
    }

    /// Walks all trees to the end, or until stopped.
    pub fn walk(self, pool: &Pool) -> Found {
        let trees = (0..self.trees.len() as TreeId).collect();
        let top = Place { path: c".".to_owned(), trees };
        pool.threads.scope(|scope| self.visit(scope, &top));
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn visit<'s>(&'s self, scope: &Scope<'s>, place: &Place) {
        if self.stop.is_raised() {
            return;
        }
        let opened: Vec<_> =
            place.trees.iter().filter_map(|&tree| self.open(tree, &place.path)).collect();
        let listed = self.list(&opened, &place.path);
        for namesakes in listed.chunk_by(|one, next| one.name == next.name) {
            let trees = namesakes.iter().map(|found| opened[found.opened].tree);
            if self.are_enough(trees) {
                self.compare(scope, place, &opened, namesakes);
            }
        }
    }

    /// Whether at least two of these trees are images or layers.
    fn are_enough(&self, trees: impl Iterator<Item = TreeId>) -> bool {
        trees.filter(|&tree| self.trees[tree as usize].entry.is_some()).nth(1).is_some()
    }

    fn open(&self, tree: TreeId, path: &CStr) -> Option<Opened> {
        match self.trees[tree as usize].top.open_directory_below(path) {
            Ok(directory) => Some(Opened { tree, directory }),
            Err(cause) => {
                self.leave_out(tree, path, Reason::of_open(cause), Some(cause));
                None
            }
        }
    }

    /// The names in all these directories, with equal names next to each other.
    fn list(&self, opened: &[Opened], path: &CStr) -> Vec<Listed> {
        let mut names = Vec::new();
        for (number, Opened { tree, directory }) in opened.iter().enumerate() {
            let listed = directory.for_each(|name, kind| {
                names.push(Listed { name: name.to_owned(), opened: number, kind });
            });
            if let Err(cause) = listed {
                self.leave_out(*tree, path, Reason::of_open(cause), Some(cause));
            }
        }
        names.sort_unstable_by(|one, other| {
            (&one.name, one.opened).cmp(&(&other.name, other.opened))
        });
        names
    }

    fn compare<'s>(
        &'s self,
        scope: &Scope<'s>,
        place: &Place,
        opened: &[Opened],
        namesakes: &[Listed],
    ) {
        let path = below(&place.path, &namesakes[0].name);
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        for Listed { name, opened: number, kind } in namesakes {
            let Opened { tree, directory } = &opened[*number];
            match kind {
                Some(Kind::Directory) => directories.push(*tree),
                Some(Kind::Symlink | Kind::Special) => {}
                Some(Kind::File) | None => match directory.status_of(name) {
                    Ok(status) if status.kind == Kind::Directory => directories.push(*tree),
                    Ok(status) if is_plain(&status) => files.push((*number, status)),
                    Ok(_) | Err(Errno::NOENT) => {}
                    Err(cause) => {
                        self.leave_out(*tree, &path, Reason::of_open(cause), Some(cause));
                    }
                },
            }
        }
        self.progress.add_files(files.len() as u64);
        files.sort_by_key(|(_, status)| status.size);
        for equal in files.chunk_by(|(_, one), (_, next)| one.size == next.size) {
            self.compare_files(&path, &namesakes[0].name, opened, equal);
        }
        if self.are_enough(directories.iter().copied()) {
            let place = Place { path, trees: directories };
            scope.spawn(move |scope| self.visit(scope, &place));
        }
    }

    /// Examines files with the same path and size.
    fn compare_files(
        &self,
        path: &CStr,
        name: &CStr,
        opened: &[Opened],
        files: &[(usize, Status)],
    ) {
        let size = files[0].1.size;
        let trees = files.iter().map(|(number, _)| opened[*number].tree);
        if size == 0 || size < self.min_size || !self.are_enough(trees.clone()) {
            return;
        }
        if size <= self.inline {
            trees.for_each(|tree| self.leave_out(tree, path, Reason::Inline, None));
            return;
        }
        let (mut twins, mut inodes) = (Vec::<Twin>::new(), Vec::new());
        for (number, status) in files {
            let Opened { tree, directory } = &opened[*number];
            // A name of the same file in another tree: nothing to share.
            if status.links > 1 && inodes.contains(&status.inode) {
                continue;
            }
            if let Some(extents) = self.look_into(*tree, directory, path, name) {
                inodes.push(status.inode);
                let (part, links) = (self.part(*tree, status), status.links);
                twins.push(Twin {
                    tree: *tree,
                    part,
                    links,
                    layout: Layout::new(extents, end(size)),
                });
            }
        }
        let Pairing { source, source_set, destinations, held } = pair(&twins, end(size));
        held.into_iter().for_each(|tree| self.leave_out(tree, path, Reason::HeldElsewhere, None));
        if !destinations.is_empty() {
            let destinations = destinations.into();
            let group = Group { path: path.to_owned(), size, source, source_set, destinations };
            self.progress.add_total(group.work());
            self.found().groups.push(group);
        }
    }

    fn part(&self, tree: TreeId, status: &Status) -> Part {
        if self.trees[tree as usize].entry.is_none() {
            Part::Witness
        } else if status.links > 1 && !self.found().claimed.insert(status.inode) {
            Part::Source
        } else {
            Part::Any
        }
    }

    fn look_into(
        &self,
        tree: TreeId,
        directory: &Directory,
        path: &CStr,
        name: &CStr,
    ) -> Option<Vec<MappedExtent>> {
        let map = |file: DataFile| {
            let turn = self.turn.as_ref().map(Mutex::lock);
            let map = file.map();
            drop(turn);
            map
        };
        let (reason, cause) = match directory.open_data(name).and_then(map) {
            Ok(FileMap::Extents(extents)) => return Some(extents),
            Ok(FileMap::Inline) => (Reason::Inline, None),
            Ok(FileMap::Unsettled) => (Reason::Changed, None),
            Err(cause) => (Reason::of_open(cause), Some(cause)),
        };
        self.leave_out(tree, path, reason, cause);
        None
    }

    /// Records a file as left out. A witness does not take part, so it is not recorded.
    fn leave_out(&self, tree: TreeId, path: &CStr, reason: Reason, cause: Option<Errno>) {
        let tree = &self.trees[tree as usize];
        if tree.entry.is_some() {
            self.found().left_out.add(reason, || tree.path_of(path), cause);
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is a regular file. A file with a mount on it is not part of its tree.
fn is_plain(status: &Status) -> bool {
    status.kind == Kind::File && status.mounted != Some(true)
}

/// The path of `name` in the directory at `path`.
fn below(path: &CStr, name: &CStr) -> CString {
    if path == c"." {
        return name.to_owned();
    }
    let path = [path.to_bytes(), name.to_bytes()].join(&b'/');
    CString::new(path).expect("neither of both has a NUL")
}
