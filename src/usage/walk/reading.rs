//! What files share, read while trees are walked.
//!
//! XFS has a lock for what is shared in a quarter of the disk, and takes it for each extent. Threads that
//! find it taken sleep, and are woken in turn: with two of them an extent took three times as long as with
//! one, with four ten times. So one asks at a time, and takes a [`Turn`] for several files together. A
//! `Mutex` that is held meanwhile took a third longer than the `Condvar`. Fewer threads for the whole walk
//! would do as well while the cache is warm, but not while it is cold (`docs/performance.md`).

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::fs::{DataFile, Extent, Holding, Kind, Status, Volume, VolumeKind};
use crate::usage::sharing::{Holder, Record, SharedInodes, Volumes};

/// How to read it for one tree.
#[derive(Clone, Copy)]
pub(in crate::usage) struct Reading<'a> {
    /// The number of the tree among all that are walked.
    pub tree: usize,
    pub volumes: &'a Volumes,
    pub inodes: &'a SharedInodes,
    pub turn: &'a Turn,
    /// When data that others shared with the tree began to go, if that has been removed since.
    pub alone_since: Option<(i64, u32)>,
}

/// How to read it, once it is known on which volume the tree lies.
pub(in crate::usage) struct ReadingOn<'a> {
    tree: usize,
    volume: usize,
    kind: VolumeKind,
    inodes: &'a SharedInodes,
    turn: &'a Turn,
    alone_since: Option<(i64, u32)>,
}

impl<'a> Reading<'a> {
    pub fn on(self, volume: Volume) -> ReadingOn<'a> {
        let Self { tree, volumes, inodes, turn, alone_since } = self;
        let kind = volume.kind;
        ReadingOn { tree, volume: volumes.number(volume), kind, inodes, turn, alone_since }
    }
}

impl ReadingOn<'_> {
    /// Who holds what is in a file; `None` if another name of it was there before.
    pub fn holder(&self, status: &Status) -> Option<Holder> {
        if status.links > 1 {
            self.inodes.claim(status.inode, self.tree)
        } else {
            Some(Holder::from_tree(self.tree))
        }
    }

    /// The turn to take before files are looked into, where that helps.
    pub fn turn(&self) -> Option<&Turn> {
        (self.kind == VolumeKind::Xfs).then_some(self.turn)
    }

    /// Whether two files with the same extents have the same content. On APFS an extent only names a clone, which may
    /// have been written to since.
    pub fn extents_tell_content(&self) -> bool {
        matches!(self.kind, VolumeKind::Btrfs | VolumeKind::Xfs)
    }

    /// What something holds that has not been looked into.
    pub fn holding_unseen(&self, status: &Status) -> Holding {
        match status.kind {
            Kind::File => Holding::unsure(status.on_disk()),
            Kind::Symlink if self.kind == VolumeKind::Btrfs => Holding::inline(status),
            _ => Holding::default(),
        }
    }

    /// The record of an extent that others hold, too, or may have held until they were removed. A file that has
    /// been changed since may have got a place that became free.
    pub fn record(&self, holder: Holder, status: &Status, extent: Extent) -> Option<Record> {
        let is_older = |since| status.changed < since;
        let counts = extent.is_shared || self.alone_since.is_some_and(is_older);
        counts.then(|| Record::new(self.volume, holder, extent))
    }

    /// What one holder has more, if that counts for the tree.
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

/// Something that one thread does at a time.
#[derive(Debug, Default)]
pub(in crate::usage) struct Turn {
    is_taken: Mutex<bool>,
    ended: Condvar,
}

/// The thread that has it may read.
pub(in crate::usage) struct Taken<'t>(&'t Turn);

impl Turn {
    /// Waits until no other thread has it.
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

/// What a file holds.
#[derive(Debug, Default)]
pub(in crate::usage) struct LookedInto {
    pub holding: Holding,
    pub extents: Vec<Extent>,
}

impl LookedInto {
    /// Of a file that is known by its path.
    pub fn at(path: &Path, status: &Status) -> Self {
        let mut extents = Vec::new();
        let holding = match DataFile::open(path) {
            Ok(file) => look(&file, status, |extent| extents.push(extent)),
            Err(_) => Holding::unsure(status.on_disk()),
        };
        Self { holding, extents }
    }
}

/// Looks into an open file. One that does not let itself be looked into may come back or not.
pub(super) fn look(file: &DataFile, status: &Status, each: impl FnMut(Extent)) -> Holding {
    match status.blocks {
        0 => Holding::default(),
        _ => file.look_into(status, each).unwrap_or(Holding::unsure(status.on_disk())),
    }
}
