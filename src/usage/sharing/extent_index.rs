//! The index of shared extents and their holders.

use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::slice::ParallelSliceMut;

use super::inodes::Inodes;
use super::pass::{add_encoded, add_ranges};
use super::record::{Holder, Overlaps, Record, Role};
use crate::fs::{Volume, VolumeKind};

/// The volumes met so far, each once.
#[derive(Debug, Default)]
pub struct Volumes(Mutex<Vec<Volume>>);

impl Volumes {
    pub fn contain(&self, volume: Volume) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&volume)
    }

    /// The number of a volume. Assigned when it is first met.
    pub fn number(&self, volume: Volume) -> usize {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().position(|other| *other == volume).unwrap_or_else(|| {
            known.push(volume);
            known.len() - 1
        })
    }
}

/// All records of shared extents, sorted by location.
#[derive(Debug, Default)]
pub struct ExtentIndex {
    records: Vec<Record>,
    volumes: Volumes,
}

impl ExtentIndex {
    pub fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// Adds the records of several trees. Each list is freed as soon as it is copied.
    pub fn add(&mut self, lists: Vec<Vec<Record>>, threads: &ThreadPool) {
        let more = lists.iter().map(Vec::len).sum();
        if more == 0 {
            return;
        }
        self.records.reserve_exact(more);
        for list in lists {
            self.records.extend(list);
        }
        let records = &mut self.records;
        let place = |record: &Record| (record.space, record.physical, record.holder);
        threads.install(|| records.par_sort_unstable_by_key(place));
    }

    /// Passes over all extents once. `role` returns the role of each holder in the sum, which has
    /// this many `groups`.
    pub fn overlaps(&self, groups: usize, role: impl Fn(Holder) -> Role) -> Overlaps {
        let volumes = self.volumes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut overlaps = Overlaps::new(groups);
        for records in self.records.chunk_by(|one, next| one.space == next.space) {
            let space = records[0].space;
            if space.is_encoded() {
                add_encoded(&mut overlaps, records, &role);
            } else {
                let keeps_whole = volumes[space.volume()].kind == VolumeKind::Btrfs;
                add_ranges(&mut overlaps, records, keeps_whole, &role);
            }
        }
        overlaps
    }
}

/// The shared extents and inodes of measured trees.
#[derive(Debug, Default)]
pub struct Shared {
    pub extents: ExtentIndex,
    pub inodes: Inodes,
}
