//! What a file holds: blocks of its own, and blocks that other files hold, too.
//!
//! Some file systems let files share data (`cp --reflink`, a snapshot, a clone). Then what a file
//! occupies is not what its removal gives back. What the systems tell of that differs; it is brought
//! into these words in `sys/fiemap.rs` (Linux), `sys/apfs.rs` (macOS) and `sys/unshared.rs`.

use std::ops::AddAssign;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Result;

use super::descriptors::patiently;
use super::status::Status;
use super::sys;

/// A file system on which files can share data, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Tells it from all others that are mounted. A device number would not: on btrfs each subvolume
    /// has one of its own, and shares data with the others all the same.
    pub id: u128,
    pub kind: VolumeKind,
}

/// What differs between these file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each system has its own")]
pub enum VolumeKind {
    /// An extent stays as it is until its last byte is given up by all who hold any of it, and the
    /// target of a symlink lies in the metadata, however its status counts it.
    Btrfs,
    Xfs,
    Apfs,
    /// Files may share data, and there is no way to tell: it lies on another file system, on another machine, or is
    /// not known here.
    Opaque,
}

impl VolumeKind {
    /// Whether a file tells what it shares.
    pub fn tells(self) -> bool {
        self != Self::Opaque
    }
}

/// Data of a file that others hold, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins on its volume.
    pub physical: u64,
    /// Bytes, as the file sees them.
    pub length: u64,
    /// It is compressed: `physical` tells it from others, but it takes less room than its length.
    pub is_encoded: bool,
}

/// Where the data of a whole file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "made only where equal files can share their data")]
pub enum FileMap {
    /// Within the metadata, where nothing can be shared.
    Inline,
    /// Not all of it has its place on the disk yet.
    Unsettled,
    /// In these extents, by offset; holes are left out.
    Extents(Vec<MappedExtent>),
}

/// A part of a file, and where its data lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedExtent {
    /// Where it begins in the file.
    pub logical: u64,
    /// Where it begins on its volume.
    pub physical: u64,
    /// Bytes, as the file sees them.
    pub length: u64,
    /// Another file holds it, too, or a snapshot does.
    pub is_shared: bool,
    /// It is compressed: see [`Extent::is_encoded`].
    pub is_encoded: bool,
}

/// The answer to a request to share a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "made only where equal files can share their data")]
pub enum Sharing {
    /// The first so many bytes are equal, and one copy of them serves both files.
    Shared { bytes: u64 },
    /// The data is not equal. Nothing was changed.
    Differs,
}

/// Bytes that the status of files counts as occupied, but that do not surely come back with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Somebody else holds them, too.
    pub shared: u64,
    /// They may come back or not: compressed, or nobody can tell.
    pub unsure: u64,
    /// There are no such blocks: what lies within the metadata is counted as if it had one of its own.
    pub padding: u64,
}

impl Holding {
    /// Of a file that nobody can look into.
    pub fn unsure(bytes: u64) -> Self {
        Self { unsure: bytes, ..Self::default() }
    }

    /// Of something that lies within the metadata, be it counted with blocks or not.
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

/// Neither follows a symlink nor waits for the other end of a FIFO that has taken the file's place.
pub(super) const OPEN_DATA: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A file, open to see what it holds. Nothing is read from it.
#[derive(Debug)]
pub struct DataFile(pub(super) OwnedFd);

impl DataFile {
    /// Opens by path, for those who have nothing else.
    pub fn open(path: &Path) -> Result<Self> {
        patiently(|| rustix::fs::open(path, OPEN_DATA, Mode::empty())).map(Self)
    }

    /// The file's status.
    pub fn status(&self) -> Result<Status> {
        sys::status(&self.0)
    }

    /// Where the file's data lies.
    pub fn map(&self) -> Result<FileMap> {
        sys::file_map(&self.0)
    }

    /// Reads into `buffer` from `offset` on. Returns how many bytes that were, 0 at the end of the file.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        rustix::io::pread(&self.0, buffer, offset)
    }

    /// Whether the byte at `offset` could be read without waiting for the disk, as far as the system tells.
    pub fn is_in_memory(&self, offset: u64) -> bool {
        sys::is_in_memory(&self.0, offset)
    }

    /// Lets a range of this file share the data of the same range of `source`, if that is equal: compared and shared
    /// in one step, which changes nothing else of either file. `offset` is a multiple of the block size, and so is
    /// `length`, unless the range ends with both files.
    ///
    /// # Errors
    /// `OPNOTSUPP` where files cannot share data, `INVAL` for these two files, `PERM` for a file that this process may
    /// not change, `TXTBSY` for a swap file, `NOSPC` without room for the metadata.
    pub fn share_from(&self, source: &Self, offset: u64, length: u64) -> Result<Sharing> {
        sys::share_range(&source.0, &self.0, offset, length)
    }

    /// What of the blocks that `status` counts does not surely come back with the file. Calls
    /// `each` with the extents that it shares.
    pub fn look_into(&self, status: &Status, each: impl FnMut(Extent)) -> Result<Holding> {
        sys::look_into(&self.0, status, each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sum_is_of_its_own_kind() {
        let mut sum = Holding { shared: 1, unsure: 20, padding: 300 };
        sum += Holding { shared: 5, unsure: 60, padding: 700 };
        assert_eq!(sum, Holding { shared: 6, unsure: 80, padding: 1000 });
        assert_eq!(Holding::unsure(7), Holding { unsure: 7, ..Holding::default() });
    }
}
