//! A record: an extent that is shared, and one of its holders. What comes of a pass over them.

use crate::fs::Extent;

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

impl Holder {
    const INODE: u32 = 1 << 31;

    /// The tree with this number.
    pub fn from_tree(number: usize) -> Self {
        Self(number as u32)
    }

    /// The inode with this number.
    pub fn from_inode(number: usize) -> Self {
        Self(number as u32 | Self::INODE)
    }

    /// The number of the tree, or of the inode as an error.
    pub fn tree_or_inode(self) -> Result<usize, usize> {
        let number = (self.0 & !Self::INODE) as usize;
        if self.0 & Self::INODE == 0 { Ok(number) } else { Err(number) }
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
        let Extent { physical, length, is_encoded, .. } = extent;
        Self { space: Space::new(volume, is_encoded), holder, physical, length }
    }

    pub fn end(&self) -> u64 {
        self.physical.saturating_add(self.length)
    }
}

/// What a holder has to do with a sum, or with trees that are removed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is not part of it.
    Absent,
    /// It is there, and it stays.
    Stays,
    /// It goes, together with all others of this group.
    Goes(u32),
}

/// What has come of a pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlaps {
    /// Bytes that more than one record has, for each of these but one.
    pub again: u64,
    /// For each group the bytes that two or more of its own records have, and no others: they come
    /// back with it unless a holder outside of the measured trees has them, too.
    pub credits: Vec<u64>,
}

impl Overlaps {
    pub fn new(groups: usize) -> Self {
        Self { again: 0, credits: vec![0; groups] }
    }

    pub fn credit(&mut self, role: Role, bytes: u64) {
        if let Role::Goes(group) = role {
            self.credits[group as usize] += bytes;
        }
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
