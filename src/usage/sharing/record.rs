//! A record of one shared extent and one of its holders, and the result of a pass over records.

use crate::fs::Extent;

/// The number of a volume, and whether the data is compressed. Equal locations mean the same data
/// only within one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space(u32);

impl Space {
    const ENCODED: u32 = 1;

    /// The space of the volume with this number, which must be small.
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

/// The holder of an extent: a tree, or an inode with several names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder(u32);

impl Holder {
    const INODE: u32 = 1 << 31;
    /// A file whose bytes are counted already, so that other holders of its extents do not count
    /// them again.
    pub const LAST: Self = Self(Self::INODE - 1);

    /// The tree with this number.
    pub fn from_tree(number: usize) -> Self {
        Self(number as u32)
    }

    /// The inode with this number.
    pub fn from_inode(number: usize) -> Self {
        Self(number as u32 | Self::INODE)
    }

    /// The number of the tree as `Ok`, or of the inode as `Err`.
    pub fn tree_or_inode(self) -> Result<usize, usize> {
        let number = (self.0 & !Self::INODE) as usize;
        if self.0 & Self::INODE == 0 { Ok(number) } else { Err(number) }
    }
}

/// One shared extent and one of its holders. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub space: Space,
    pub holder: Holder,
    pub physical: u64,
    pub length: u64,
}

impl Record {
    /// A record on the volume with this number.
    pub fn new(volume: usize, holder: Holder, extent: Extent) -> Self {
        let Extent { physical, length, is_encoded, .. } = extent;
        Self { space: Space::new(volume, is_encoded), holder, physical, length }
    }

    pub fn end(&self) -> u64 {
        self.physical.saturating_add(self.length)
    }
}

/// The role of a holder in a sum, or with respect to trees that are removed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Not part of it.
    Absent,
    /// Present, and stays.
    Stays,
    /// Removed, together with all others of this group.
    Goes(u32),
}

/// The result of a pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlaps {
    /// Bytes that several records have, once for each record but one.
    pub again: u64,
    /// For each group, the bytes that at least two of its own records and no others have. They are
    /// freed with the group unless a holder outside the measured trees has them, too.
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
    fn a_record_has_24_bytes() {
        assert_eq!(size_of::<Record>(), 24);
    }
}
