//! One name in a tree, and how to tell whether two files have the same content.

use std::ffi::{OsStr, OsString};

use crate::fs::{Extent, InodeId, Kind, Status};

/// One name of anything but a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub name: OsString,
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// The length in bytes.
    pub size: u64,
    pub on_disk: u64,
    pub inode: InodeId,
    /// Whether the inode has other names, in this tree or elsewhere.
    pub is_linked: bool,
    /// The target, if it is a symlink that could be read.
    pub target: Option<OsString>,
}

impl Name {
    pub fn new(name: &OsStr, status: &Status, target: Option<OsString>) -> Self {
        let Status { kind, mode, size, inode, links, .. } = *status;
        let (name, on_disk, is_linked) = (name.to_owned(), status.on_disk(), links > 1);
        Self { name, kind, mode, size, on_disk, inode, is_linked, target }
    }
}

/// Where all the data of a file is located. Two files of equal length and layout have the same
/// content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    extents: Vec<(u64, u64)>,
    /// Part of it is compressed: its location does not identify a part of the extent.
    is_encoded: bool,
}

impl Layout {
    pub fn push(&mut self, extent: Extent) {
        self.extents.push((extent.physical, extent.length));
        self.is_encoded |= extent.is_encoded;
    }

    /// Whether it covers the whole file without a hole.
    pub fn is_whole(&self, status: &Status) -> bool {
        let lengths = self.extents.iter().map(|(_, length)| length);
        let bytes = lengths.fold(0u64, |sum, length| sum.saturating_add(*length));
        status.size > 0 && !self.is_encoded && bytes >= status.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_shares_all_its_data_is_identified_by_its_layout() {
        let extent =
            |length, is_encoded| Extent { physical: 1 << 20, length, is_encoded, is_shared: true };
        for (size, extents, is_whole) in [
            (5000, vec![extent(8192, false)], true),
            (8192, vec![extent(4096, false), extent(4096, false)], true),
            (8193, vec![extent(8192, false)], false),
            (5000, vec![extent(8192, true)], false),
            (5000, vec![], false),
            (0, vec![], false),
        ] {
            let metadata = std::fs::symlink_metadata("/").unwrap();
            let status = Status { size, ..Status::from(&metadata) };
            let mut layout = Layout::default();
            extents.iter().for_each(|extent| layout.push(*extent));
            assert_eq!(layout.is_whole(&status), is_whole, "{size} {extents:?}");
        }
    }
}
