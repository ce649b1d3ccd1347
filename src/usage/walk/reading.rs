//! Reading what files share while trees are walked.
//!
//! XFS has one lock for the sharing data of a quarter of the disk, and takes it for each extent.
//! Threads that find it taken sleep and are woken in turn: with two threads an extent took three
//! times as long as with one, with four threads ten times. So only one thread asks at a time, and
//! takes a [`Turn`] for several files at once. Holding a `Mutex` instead took a third longer than
//! the `Condvar`. Fewer threads for the whole walk would do as well with a warm cache, but not with
//! a cold one (`docs/performance.md`).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::fs::{DataFile, Extent, Holding, Kind, Status, Volume, VolumeKind};
use crate::usage::sharing::{Holder, Record, SharedInodes, Volumes};

/// The maximum number of files that a thread opens to inspect them together.
pub(crate) const MOST_OPENED: usize = 8;

/// How to inspect what files share.
pub enum Sharing<'a> {
    /// Files cannot share data on this file system.
    Impossible,
    /// Not requested, or the file system does not report it.
    Unread,
    Read(ReadingOn<'a>),
}

/// How to read sharing for one tree.
#[derive(Clone, Copy)]
pub(in crate::usage) struct Reading<'a> {
    /// The number of the tree among all that are walked.
    pub tree: usize,
    pub volumes: &'a Volumes,
    pub inodes: &'a SharedInodes,
    pub turn: &'a Turn,
    pub moment: Moment<'a>,
}

/// How to read sharing, once the tree's volume is known.
pub(in crate::usage) struct ReadingOn<'a> {
    tree: usize,
    volume: usize,
    kind: VolumeKind,
    inodes: &'a SharedInodes,
    turn: &'a Turn,
    moment: Moment<'a>,
}

/// When files are inspected. The file system only reports what a file shares at that moment.
#[derive(Clone, Copy)]
pub(in crate::usage) enum Moment<'a> {
    /// Nothing is removed.
    Still,
    /// Files are removed one after another, each right after its inspection. The flag is set once
    /// one of them shared data: a later one may have shared it, too.
    Removing(&'a AtomicBool),
    /// Data that the tree may have shared was removed since then: seconds since 1970, nanoseconds.
    RemovedSince((i64, u32)),
}

impl<'a> Reading<'a> {
    pub fn on(self, volume: Volume) -> ReadingOn<'a> {
        let Self { tree, volumes, inodes, turn, moment } = self;
        let kind = volume.kind;
        ReadingOn { tree, volume: volumes.number(volume), kind, inodes, turn, moment }
    }
}

impl ReadingOn<'_> {
    /// The holder of a file's data. `None` if another name of the file was inspected before.
    pub fn holder(&self, status: &Status) -> Option<Holder> {
        if status.links > 1 {
            self.inodes.claim(status.inode, self.tree)
        } else {
            Some(Holder::from_tree(self.tree))
        }
    }

    /// The turn to take before files are inspected, if that helps.
    pub fn turn(&self) -> Option<&Turn> {
        (self.kind == VolumeKind::Xfs).then_some(self.turn)
    }

    /// Whether two files with the same extents have the same content. Not on APFS, where an extent
    /// only identifies a clone, which may have been written to since.
    pub fn extents_tell_content(&self) -> bool {
        matches!(self.kind, VolumeKind::Btrfs | VolumeKind::Xfs)
    }

    /// The holding of an entry that has not been inspected.
    pub fn holding_unseen(&self, status: &Status) -> Holding {
        match status.kind {
            Kind::File => Holding::unsure(status.on_disk()),
            Kind::Symlink if self.kind == VolumeKind::Btrfs => Holding::inline(status),
            _ => Holding::default(),
        }
    }

    /// The record of an extent that other files share, or may have shared until they were removed.
    /// A file changed after that may have reused freed space, so its extents do not count.
    pub fn record(&self, holder: Holder, status: &Status, extent: Extent) -> Option<Record> {
        let holder = match self.moment {
            Moment::Removing(has_shared) if extent.is_shared => {
                has_shared.store(true, Ordering::Relaxed);
                holder
            }
            // Possibly the last of several clones. It frees the data, so the others do not.
            Moment::Removing(has_shared) if has_shared.load(Ordering::Relaxed) => Holder::LAST,
            Moment::RemovedSince(since) if status.changed < since => holder,
            _ if extent.is_shared => holder,
            _ => return None,
        };
        Some(Record::new(self.volume, holder, extent))
    }

    /// The part of a holder's additional holding that counts for the tree.
    pub fn share_of_tree(&self, holder: Holder, holding: Holding) -> Holding {
        match holder.tree_or_inode() {
            Ok(_) => holding,
            Err(number) => {
                self.inodes.note(number, holding);
                Holding::default()
            }
        }
    }
}

/// Permission that only one thread has at a time.
#[derive(Debug, Default)]
pub(in crate::usage) struct Turn {
    is_taken: Mutex<bool>,
    ended: Condvar,
}

/// Held by the thread whose turn it is.
pub(in crate::usage) struct Taken<'t>(&'t Turn);

impl Turn {
    /// Waits until no other thread has the turn.
    pub fn take(&self) -> Taken<'_> {
        let is_free = self.ended.wait_while(self.lock(), |is_taken| *is_taken);
        *is_free.unwrap_or_else(PoisonError::into_inner) = true;
        Taken(self)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.ended.notify_one();
    }
}

/// The data of a file.
#[derive(Debug, Default)]
pub(in crate::usage) struct LookedInto {
    pub holding: Holding,
    pub extents: Vec<Extent>,
}

impl LookedInto {
    /// Inspects the file at `path`.
    pub fn at(path: &Path, status: &Status) -> Self {
        let mut extents = Vec::new();
        let holding = match DataFile::open(path) {
            Ok(file) => look(&file, status, |extent| extents.push(extent)),
            Err(_) => Holding::unsure(status.on_disk()),
        };
        Self { holding, extents }
    }
}

/// Inspects an open file. If that fails, its bytes may or may not be freed.
pub(super) fn look(file: &DataFile, status: &Status, each: impl FnMut(Extent)) -> Holding {
    match status.blocks {
        0 => Holding::default(),
        _ => file.look_into(status, each).unwrap_or(Holding::unsure(status.on_disk())),
    }
}
