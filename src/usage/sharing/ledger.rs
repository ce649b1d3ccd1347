//! The ledger: who holds which extent.

use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::slice::ParallelSliceMut;

use super::survey::{Class, Survey};
use crate::fs::{Extent, Volume, VolumeKind};

/// The number of a volume, and whether what lies there is compressed. Only within one space do equal
/// places mean the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space(u32);

impl Space {
    const ENCODED: u32 = 1;

    /// Of the volume with this number, which is small.
    pub fn new(volume: usize, is_encoded: bool) -> Self {
        Self(volume as u32 * 2 + if is_encoded { Self::ENCODED } else { 0 })
    }

    pub fn is_encoded(self) -> bool {
        self.0 & Self::ENCODED != 0
    }

    pub fn volume(self) -> usize {
        self.0 as usize / 2
    }
}

/// Who holds an extent: a tree, or an inode with several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder(u32);

/// A [`Holder`], taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Tree(usize),
    Inode(usize),
}

impl Holder {
    const INODE: u32 = 1 << 31;

    pub fn tree(number: usize) -> Self {
        Self(number as u32)
    }

    pub fn inode(number: usize) -> Self {
        Self(number as u32 | Self::INODE)
    }

    pub fn who(self) -> Who {
        let number = (self.0 & !Self::INODE) as usize;
        if self.0 & Self::INODE == 0 { Who::Tree(number) } else { Who::Inode(number) }
    }
}

/// One extent that is shared, and one of its holders. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub space: Space,
    pub holder: Holder,
    pub physical: u64,
    pub length: u64,
}

impl Record {
    /// On the volume with this number.
    pub fn new(volume: usize, holder: Holder, extent: Extent) -> Self {
        let Extent { physical, length, is_encoded } = extent;
        Self { space: Space::new(volume, is_encoded), holder, physical, length }
    }

    pub fn end(&self) -> u64 {
        self.physical.saturating_add(self.length)
    }
}

/// The volumes that were met, each once.
#[derive(Debug, Default)]
pub struct Volumes(Mutex<Vec<Volume>>);

impl Volumes {
    pub fn contain(&self, volume: Volume) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&volume)
    }

    /// The number of a volume.
    pub fn number(&self, volume: Volume) -> usize {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().position(|other| *other == volume).unwrap_or_else(|| {
            known.push(volume);
            known.len() - 1
        })
    }
}

/// All records, sorted by place.
#[derive(Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    volumes: Volumes,
}

impl Ledger {
    pub fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// Adds the records of several trees. Each list is given up as soon as it is copied.
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

    /// Goes through all extents once. `class` says what each holder is in this sum, of which there
    /// are `owners`.
    pub fn survey(&self, owners: usize, class: impl Fn(Holder) -> Class) -> Survey {
        let volumes = self.volumes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut survey = Survey::new(owners);
        for records in self.records.chunk_by(|one, next| one.space == next.space) {
            let space = records[0].space;
            match space.is_encoded() {
                true => survey.add_encoded(records, &class),
                false => {
                    let keeps_whole = volumes[space.volume()].kind == VolumeKind::Btrfs;
                    survey.add_ranges(records, keeps_whole, &class);
                }
            }
        }
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_small_as_it_may_be() {
        assert_eq!(size_of::<Record>(), 24);
    }
}
