//! A file's data: blocks of its own, and blocks shared with other files.
//!
//! On some file systems files can share data (`cp --reflink`, a snapshot, a clone). Then removing a
//! file may free less than the file occupies. Each system reports sharing in its own way;
//! `sys/fiemap.rs` (Linux), `sys/apfs.rs` (macOS) and `sys/unshared.rs` translate it into the types
//! here.

use std::ops::AddAssign;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Result;

use super::descriptors::patiently;
use super::status::Status;
use super::sys;

/// A file system on which files can share data, as far as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Identifies it among all mounted file systems. A device number would not: on btrfs each
    /// subvolume has its own, and still shares data with the others.
    pub id: u128,
    pub kind: VolumeKind,
}

/// How these file systems differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each system has its own")]
pub enum VolumeKind {
    /// An extent is freed only as a whole, once no file uses any part of it. The target of a
    /// symlink is stored in the metadata, even if its status counts blocks for it.
    Btrfs,
    Xfs,
    Apfs,
    /// Files may share data, but there is no way to tell: a stacked, remote or unknown file system.
    Opaque,
}

impl VolumeKind {
    /// Whether it can report what a file shares.
    pub fn tells(self) -> bool {
        self != Self::Opaque
    }
}

/// Part of a file's data, with its location on the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Offset on the volume.
    pub physical: u64,
    /// Length in bytes, as seen in the file.
    pub length: u64,
    /// Compressed: `physical` still identifies it, but it occupies less than its length.
    pub is_encoded: bool,
    /// Shared with other files.
    pub is_shared: bool,
}

/// Where the data of a whole file is located.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "made only where equal files can share their data")]
pub enum FileMap {
    /// In the metadata, where nothing can be shared.
    Inline,
    /// Part of it has no location on disk yet.
    Unsettled,
    /// In these extents, ordered by offset. Holes are left out.
    Extents(Vec<MappedExtent>),
}

/// Part of a file, with the location of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedExtent {
    /// Offset in the file.
    pub logical: u64,
    /// Offset on the volume.
    pub physical: u64,
    /// Length in bytes, as seen in the file.
    pub length: u64,
    /// Shared with another file or a snapshot.
    pub is_shared: bool,
    /// Compressed: see [`Extent::is_encoded`].
    pub is_encoded: bool,
}

/// The result of a request to share a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "made only where equal files can share their data")]
pub enum Sharing {
    /// The first `bytes` bytes are equal and now share one copy.
    Shared { bytes: u64 },
    /// The data differs. Nothing was changed.
    Differs,
}

/// Bytes counted in `st_blocks` that removing the file may not free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Shared with other files.
    pub shared: u64,
    /// May or may not be freed: compressed or unknown.
    pub unsure: u64,
    /// Blocks that do not exist: data in the metadata is counted as if it had a block of its own.
    pub padding: u64,
}

impl Holding {
    /// For a file that cannot be inspected.
    pub fn unsure(bytes: u64) -> Self {
        Self { unsure: bytes, ..Self::default() }
    }

    /// For data in the metadata, whether or not its status counts blocks for it.
    pub fn inline(status: &Status) -> Self {
        Self { padding: status.on_disk().saturating_sub(status.size), ..Self::default() }
    }
}

impl AddAssign for Holding {
    fn add_assign(&mut self, other: Self) {
        self.shared += other.shared;
        self.unsure += other.unsure;
        self.padding += other.padding;
    }
}

/// Does not follow a symlink, or block on a FIFO that has taken the file's place.
pub(super) const OPEN_DATA: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A file opened to inspect its data.
#[derive(Debug)]
pub struct DataFile(pub(super) OwnedFd);

impl DataFile {
    /// Opens a file by path, for callers without a [`Directory`](super::Directory).
    pub fn open(path: &Path) -> Result<Self> {
        patiently(|| rustix::fs::open(path, OPEN_DATA, Mode::empty())).map(Self)
    }

    /// The file's status.
    pub fn status(&self) -> Result<Status> {
        sys::status(&self.0)
    }

    /// Where the file's data is located.
    pub fn map(&self) -> Result<FileMap> {
        sys::file_map(&self.0)
    }

    /// Reads into `buffer` from `offset` on. Returns the number of bytes read, 0 at the end of the
    /// file.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        rustix::io::pread(&self.0, buffer, offset)
    }

    /// Whether the byte at `offset` is known to be readable without waiting for the disk.
    pub fn is_in_memory(&self, offset: u64) -> bool {
        sys::is_in_memory(&self.0, offset)
    }

    /// Makes a range of this file share the data of the same range of `source` if the two are
    /// equal. The kernel compares and shares in one step, and changes nothing else in either file.
    /// `offset` and `length` must be multiples of the block size, unless the range ends at the end
    /// of both files.
    ///
    /// # Errors
    /// `OPNOTSUPP` if files cannot share data here, `INVAL` if these two cannot, `PERM` if this
    /// process may not change the file, `TXTBSY` for a swap file, `NOSPC` if there is no room for
    /// the metadata.
    pub fn share_from(&self, source: &Self, offset: u64, length: u64) -> Result<Sharing> {
        sys::share_range(&source.0, &self.0, offset, length)
    }

    /// How many of the blocks counted in `status` may not be freed with the file. Calls `each` with
    /// every extent that has a location.
    pub fn look_into(&self, status: &Status, each: impl FnMut(Extent)) -> Result<Holding> {
        sys::look_into(&self.0, status, each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_bytes_is_summed_separately() {
        let mut sum = Holding { shared: 1, unsure: 20, padding: 300 };
        sum += Holding { shared: 5, unsure: 60, padding: 700 };
        assert_eq!(sum, Holding { shared: 6, unsure: 80, padding: 1000 });
        assert_eq!(Holding::unsure(7), Holding { unsure: 7, ..Holding::default() });
    }
}
