//! The result of a `stat`, reduced to the fields that this crate needs.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use bytesize::ByteSize;
use jiff::Timestamp;
use rustix::fs::{FileType, Mode};

/// The mode of a directory that its owner can empty but not list. No pull creates one like it.
pub(super) const CLOSED: Mode = Mode::WUSR.union(Mode::XUSR);

/// Identifies an inode: its device and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeId {
    pub device: u64,
    pub number: u64,
}

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Symlink,
    /// FIFO, socket or device.
    Special,
}

impl Kind {
    /// `None` if the file system does not report it.
    pub fn from_type(file_type: FileType) -> Option<Self> {
        match file_type {
            FileType::Directory => Some(Self::Directory),
            FileType::RegularFile => Some(Self::File),
            FileType::Symlink => Some(Self::Symlink),
            FileType::Unknown => None,
            _ => Some(Self::Special),
        }
    }
}

impl From<std::fs::FileType> for Kind {
    fn from(file_type: std::fs::FileType) -> Self {
        match (file_type.is_dir(), file_type.is_file(), file_type.is_symlink()) {
            (true, _, _) => Self::Directory,
            (_, true, _) => Self::File,
            (_, _, true) => Self::Symlink,
            _ => Self::Special,
        }
    }
}

/// The status of one inode.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    pub inode: InodeId,
    /// Number of hard links.
    pub links: u64,
    /// Length in bytes.
    pub size: u64,
    /// Allocated blocks of 512 bytes, whatever the block size of the file system.
    pub blocks: u64,
    /// Time of the last content change: seconds since 1970, nanoseconds.
    pub modified: (i64, u32),
    /// Time of the last change of any kind, which no program can set: seconds since 1970,
    /// nanoseconds.
    pub changed: (i64, u32),
    /// Whether it is a mount point. `None` if the system does not report this with the status.
    pub mounted: Option<bool>,
}

/// Converts a status obtained by path, which does not include mounts.
impl From<&Metadata> for Status {
    fn from(found: &Metadata) -> Self {
        Self {
            kind: found.file_type().into(),
            mode: found.mode() & 0o7777,
            inode: InodeId { device: found.dev(), number: found.ino() },
            links: found.nlink(),
            size: found.size(),
            blocks: found.blocks(),
            modified: (found.mtime(), u32::try_from(found.mtime_nsec()).unwrap_or(0)),
            changed: (found.ctime(), u32::try_from(found.ctime_nsec()).unwrap_or(0)),
            mounted: None,
        }
    }
}

impl Status {
    /// Whether it is a directory that only root can list, as left by [`Directory::close`].
    ///
    /// [`Directory::close`]: super::Directory::close
    // The type of a mode differs between systems.
    #[allow(clippy::useless_conversion)]
    pub fn is_closed(&self) -> bool {
        self.kind == Kind::Directory && self.mode == u32::from(CLOSED.as_raw_mode())
    }

    /// Bytes that the inode occupies on disk.
    pub fn on_disk(&self) -> u64 {
        self.blocks.saturating_mul(512)
    }

    /// Time of the last change of any kind.
    pub fn changed(&self) -> Timestamp {
        let (seconds, nanoseconds) = self.changed;
        time(seconds, nanoseconds)
    }

    /// Time of the last content change.
    pub fn modified(&self) -> Timestamp {
        let (seconds, nanoseconds) = self.modified;
        time(seconds, nanoseconds)
    }
}

/// Total and free space of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disk {
    /// Total size.
    pub size: ByteSize,
    /// Free space, including space reserved for root.
    pub free: ByteSize,
    /// Free space that this user can use.
    pub available: ByteSize,
}

/// The start of the year 0 in seconds since 1970, the earliest time in RFC 3339.
const YEAR_0: i64 = -62_167_219_200;

/// Converts a system time. Clamps it to the range of RFC 3339.
pub fn time(seconds: i64, nanoseconds: u32) -> Timestamp {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or(0);
    Timestamp::new(seconds.max(YEAR_0), nanoseconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_status_by_path_has_kind_and_blocks() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        std::fs::write(path("file"), [1; 5000]).unwrap();
        std::fs::create_dir(path("directory")).unwrap();
        symlink("file", path("symlink")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for (name, kind) in [
            ("file", Kind::File),
            ("directory", Kind::Directory),
            ("symlink", Kind::Symlink),
            ("socket", Kind::Special),
        ] {
            let status = Status::from(&std::fs::symlink_metadata(path(name)).unwrap());
            assert_eq!(status.kind, kind);
            let on_disk = Status { blocks: 3, ..status }.on_disk();
            assert_eq!(on_disk, 3 * 512);
        }
    }

    #[test]
    fn a_time_out_of_range_is_clamped() {
        for (seconds, nanoseconds, expected) in [
            (7, 500_000_000, Timestamp::from_millisecond(7500).unwrap()),
            (7, u32::MAX, Timestamp::from_second(7).unwrap()),
            (i64::MAX, 0, Timestamp::MAX),
            (i64::MIN, 0, "0000-01-01T00:00:00Z".parse().unwrap()),
            (YEAR_0 - 1, 0, Timestamp::from_second(YEAR_0).unwrap()),
        ] {
            assert_eq!(time(seconds, nanoseconds), expected, "{seconds} {nanoseconds}");
        }
    }
}
