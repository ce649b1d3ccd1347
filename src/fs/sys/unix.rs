//! Directories on every other Unix, mainly macOS: `readdir` and `fstatat`. Calls that only some of
//! these systems have are in `apple.rs` and `bare.rs`, with the same functions.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};

#[cfg(target_vendor = "apple")]
use super::apple as own;
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
use super::bare as own;
#[cfg(target_os = "linux")]
use super::linux as own;
use crate::fs::{InodeId, Kind, Status};

pub use own::{born, is_immutable, path};

pub fn open_quietly(parent: &OwnedFd, name: &CStr, flags: OFlags) -> Result<OwnedFd> {
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

pub fn open_data(parent: &OwnedFd, name: &CStr, flags: OFlags) -> Result<OwnedFd> {
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

pub fn status(fd: &OwnedFd) -> Result<Status> {
    rustix::fs::fstat(fd).map(from_stat)
}

pub fn status_of(parent: &OwnedFd, name: &CStr) -> Result<Status> {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(from_stat)
}

// The types of these fields differ between systems: some casts are redundant on some systems.
#[allow(clippy::unnecessary_cast)]
fn from_stat(found: Stat) -> Status {
    Status {
        kind: Kind::from_type(FileType::from_raw_mode(found.st_mode)).unwrap_or(Kind::Special),
        mode: found.st_mode as u32 & 0o7777,
        inode: InodeId { device: found.st_dev as u64, number: found.st_ino as u64 },
        links: found.st_nlink as u64,
        size: found.st_size as u64,
        blocks: found.st_blocks as u64,
        modified: (found.st_mtime as i64, found.st_mtime_nsec as u32),
        changed: (found.st_ctime as i64, found.st_ctime_nsec as u32),
        mounted: None,
    }
}

pub fn read(fd: &OwnedFd, mut each: impl FnMut(&CStr, Option<Kind>)) -> Result<()> {
    // `Dir::read_from` opens `.`, which needs search permission. A directory may be readable
    // without it.
    for entry in Dir::new(rustix::io::fcntl_dupfd_cloexec(fd, 0)?)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            each(name, Kind::from_type(entry.file_type()));
        }
    }
    Ok(())
}

/// There is no system call for it.
pub fn settle(_: &OwnedFd) -> Result<()> {
    Ok(())
}

/// `stat` does not report mounts, but a mount has its own device number.
pub fn is_mount(parent: &OwnedFd, _: &OwnedFd, child: &Status) -> Result<bool> {
    match child.mounted {
        Some(mounted) => Ok(mounted),
        None => Ok(status(parent)?.inode.device != child.inode.device),
    }
}

/// The mount points that the system reports.
pub fn mount_points() -> std::io::Result<Vec<PathBuf>> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    Ok(disks.iter().map(|disk| disk.mount_point().to_path_buf()).collect())
}

pub fn make_writable(parent: &OwnedFd, name: &CStr) -> Result<()> {
    if status(parent)?.inode.device != status_of(parent, name)?.inode.device {
        return Err(Errno::XDEV);
    }
    own::make_writable(parent, name)
}
