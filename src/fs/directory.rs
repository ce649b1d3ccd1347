//! A directory held by a file descriptor.
//!
//! A path is resolved anew on each use, and meanwhile another process may have replaced a directory
//! with a symlink. A descriptor always refers to the same directory. So everything below the cache
//! is reached one name at a time, relative to a [`Directory`], and never through a symlink or into
//! another mount.

use std::ffi::{CStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use jiff::Timestamp;
use rustix::fs::{
    Access, AtFlags, Mode, OFlags, RenameFlags, StatVfsMountFlags, Timespec, Timestamps, UTIME_NOW,
    UTIME_OMIT,
};
use rustix::io::{Errno, Result};

use super::descriptors::patiently;
use super::removal_pattern::RemovalPattern;
use super::shared_data::{DataFile, OPEN_DATA, Volume};
use super::status::{CLOSED, Disk, Kind, Status};
use super::sys;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Leaves a time as it is.
const OMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };

/// An open directory. Its methods return the bare error number. The caller adds operation and path.
#[derive(Debug)]
pub struct Directory {
    pub(super) fd: OwnedFd,
}

impl Directory {
    /// Opens a directory by path and follows symlinks. Only for the top of a cache, which the user
    /// may have moved to a bigger disk.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = patiently(|| rustix::fs::open(path, OPEN, Mode::empty()))?;
        Ok(Self { fd })
    }

    /// Opens the subdirectory `name`, even if it is a mount point. Only for the cache's own
    /// folders, which the user may have put on another disk. A symlink is refused with `LOOP` or
    /// `NOTDIR`.
    pub fn open_folder(&self, name: &CStr) -> Result<Self> {
        let flags = OPEN | OFlags::NOFOLLOW;
        let fd = patiently(|| sys::open_quietly(&self.fd, name, flags))?;
        Ok(Self { fd })
    }

    /// Opens the subdirectory `name` and returns its status as well.
    ///
    /// # Errors
    /// `LOOP` or `NOTDIR` for anything but a directory, `XDEV` if another file system (or a part of
    /// this one) is mounted on it.
    pub fn open_child(&self, name: &CStr) -> Result<(Self, Status)> {
        let child = self.open_folder(name)?;
        let status = child.status()?;
        if sys::is_mount(&self.fd, &child.fd, &status)? {
            Err(Errno::XDEV)
        } else {
            Ok((child, status))
        }
    }

    /// The directory's own status.
    pub fn status(&self) -> Result<Status> {
        sys::status(&self.fd)
    }

    /// Whether `look`, a `stat` by path, finds this directory. Some FUSE and network file systems
    /// return a different inode number each time. They give no way to tell, so the result is
    /// `true`.
    pub fn is_found_by(&self, look: impl Fn() -> Result<Status>) -> Result<bool> {
        let (held, found) = (self.status()?.inode, look()?.inode);
        if held == found || self.status()?.inode != held {
            return Ok(true);
        }
        let [second, third] = [look()?.inode, look()?.inode];
        Ok(found != second && second != third)
    }

    /// When the entry `name`, or `.`, was created. A symlink is not followed. `None` if the file
    /// system does not record it.
    pub fn born(&self, name: &CStr) -> Result<Option<Timestamp>> {
        sys::born(&self.fd, name)
    }

    /// The user who owns an entry. A symlink is not followed.
    pub fn owner_of(&self, name: &CStr) -> Result<u32> {
        Ok(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?.st_uid)
    }

    /// Checks that this process may add and remove names in the subdirectory `name`, or in `.`. A
    /// symlink is not followed.
    ///
    /// # Errors
    /// `ACCESS` if its mode or owner does not allow it, `PERM` if it is immutable, `ROFS` if the
    /// file system or subvolume is read-only.
    pub fn check_writable(&self, name: &CStr) -> Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::accessat(&self.fd, name, access, flags)
    }

    /// Whether an entry is a mount point, or a different part of a file system.
    pub fn is_mount_point(&self, name: &CStr) -> bool {
        match self.status_of(name) {
            Ok(Status { mounted: Some(mounted), .. }) => mounted,
            Ok(_) => matches!(self.open_child(name), Err(Errno::XDEV)),
            Err(_) => false,
        }
    }

    /// Whether an entry is known to be immutable or append-only.
    pub fn is_immutable(&self, name: &CStr) -> bool {
        sys::is_immutable(&self.fd, name)
    }

    /// The status of an entry. A symlink is not followed.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn status_of(&self, name: &CStr) -> Result<Status> {
        sys::status_of(&self.fd, name)
    }

    /// Calls `each` with every entry except `.` and `..`, in no particular order. The kind is
    /// `None` if the file system does not report it. `each` must not list a directory itself. The
    /// directory can be listed only once: open it again to see the entries again.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn for_each(&self, each: impl FnMut(&CStr, Option<Kind>)) -> Result<()> {
        sys::read(&self.fd, each)
    }

    /// Opens a file for reading. Never follows a symlink or blocks on a FIFO.
    /// a FIFO.
    pub fn open_file(&self, name: &CStr) -> Result<std::fs::File> {
        let open = || rustix::fs::openat(&self.fd, name, OPEN_DATA, Mode::empty());
        Ok(patiently(open)?.into())
    }

    /// Opens a file to inspect its data. Fails with `XDEV` if something is mounted on it.
    pub fn open_data(&self, name: &CStr) -> Result<DataFile> {
        patiently(|| sys::open_data(&self.fd, name, OPEN_DATA)).map(DataFile)
    }

    /// Opens a file to inspect its data, and returns its status as well.
    pub fn open_data_with_status(&self, name: &CStr) -> Result<(DataFile, Status)> {
        let file = self.open_data(name)?;
        let status = file.status()?;
        Ok((file, status))
    }

    /// The target of the symlink `name`, byte for byte.
    pub fn read_link(&self, name: &CStr) -> Result<OsString> {
        let target = rustix::fs::readlinkat(&self.fd, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// Opens the directory at `path` relative to this one, or `.`. Never follows a symlink or
    /// crosses into another mount.
    ///
    /// # Errors
    /// `NOSYS` on kernels before Linux 5.6, `NAMETOOLONG` if the system does not accept the path.
    pub fn open_directory_below(&self, path: &CStr) -> Result<Self> {
        let flags = OPEN | OFlags::NOFOLLOW;
        let fd = patiently(|| sys::open_below(&self.fd, path, flags))?;
        Ok(Self { fd })
    }

    /// Opens the file at `path` relative to this directory, without updating its access time.
    ///
    /// # Errors
    /// As for [`Directory::open_directory_below`], and `PERM` for a file of another user.
    pub fn open_data_below(&self, path: &CStr) -> Result<DataFile> {
        let flags = OPEN_DATA | sys::QUIET;
        patiently(|| sys::open_below(&self.fd, path, flags)).map(DataFile)
    }

    /// The file system that contains the directory. `None` if files cannot share data on it.
    pub fn volume(&self) -> Result<Option<Volume>> {
        sys::volume(&self.fd)
    }

    /// How removals behave on the file system. [`RemovalPattern::OnDisk`] if unknown.
    pub fn removal_pattern(&self) -> RemovalPattern {
        sys::removal_pattern(&self.fd)
    }

    /// Whether equal files can be made to share their data here.
    pub fn can_share_ranges(&self) -> Result<bool> {
        Ok(sys::CAN_SHARE_RANGES && self.volume()?.is_some())
    }

    /// How full the file system is.
    pub fn disk(&self) -> Result<Disk> {
        let found = rustix::fs::fstatvfs(&self.fd)?;
        let bytes = |blocks: u64| ByteSize::b(blocks.saturating_mul(found.f_frsize));
        let [size, free, available] = [found.f_blocks, found.f_bfree, found.f_bavail].map(bytes);
        Ok(Disk { size, free, available })
    }

    /// Whether the file system is known to be mounted read-only here.
    pub fn is_mounted_read_only(&self) -> bool {
        let found = rustix::fs::fstatvfs(&self.fd);
        found.is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
    }

    /// Waits until every change made to the file system so far is reflected in [`Directory::disk`].
    pub fn settle(&self) -> Result<()> {
        sys::settle(&self.fd)
    }

    /// Removes an entry that is not a directory.
    pub fn remove_file(&self, name: &CStr) -> Result<()> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &CStr) -> Result<()> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)
    }

    /// Renames `from` in this directory to `to` in `target`. Fails with `EXIST` rather than replace
    /// anything.
    pub fn rename(&self, from: &CStr, target: &Self, to: &CStr) -> Result<()> {
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.fd, from, &target.fd, to, flags) {
            // Not every file system supports the flag. Check first, then: the gap between the two
            // calls is harmless, because a directory can only replace an empty directory.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match target.status_of(to) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => rustix::fs::renameat(&self.fd, from, &target.fd, to),
                Err(cause) => Err(cause),
            },
            result => result,
        }
    }

    /// Renames `from` in this directory to `to` in `target`, and replaces a file of that name.
    pub fn replace(&self, from: &CStr, target: &Self, to: &CStr) -> Result<()> {
        rustix::fs::renameat(&self.fd, from, &target.fd, to)
    }

    /// Creates a directory that only its owner may enter.
    pub fn make_directory(&self, name: &CStr) -> Result<()> {
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU)
    }

    /// Creates a file that only its owner may read. Fails if it exists.
    pub fn create_file(&self, name: &CStr) -> Result<std::fs::File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(patiently(|| rustix::fs::openat(&self.fd, name, flags, mode))?.into())
    }

    /// Sets the directory's modification time to now.
    pub fn touch(&self) -> Result<()> {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        rustix::fs::futimens(&self.fd, &Timestamps { last_access: OMIT, last_modification: now })
    }

    /// Lets the owner read, write and enter this directory.
    pub fn make_writable(&self) -> Result<()> {
        rustix::fs::fchmod(&self.fd, Mode::RWXU)
    }

    /// Keeps everyone but root from listing this directory. Its owner can still empty it.
    pub fn close(&self) -> Result<()> {
        rustix::fs::fchmod(&self.fd, CLOSED)
    }

    /// Lets the owner read, write and enter the subdirectory `name`, even if it cannot be opened
    /// yet. Fails with `XDEV` for a mount point.
    pub fn make_child_writable(&self, name: &CStr) -> Result<()> {
        patiently(|| sys::make_writable(&self.fd, name))
    }

    /// The path that the system reports for this directory. Only for messages, and to compare it
    /// with other paths that the system reports. Never used to access anything.
    pub fn path(&self) -> Option<PathBuf> {
        sys::path(&self.fd)
    }

    /// The ID of the mount through which the directory was opened, as in `/proc/self/mountinfo`.
    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    pub fn mount_id(&self) -> Result<u64> {
        sys::mount_id(&self.fd)
    }

    /// Tries to `flock` this directory without waiting. The lock is released when the directory is
    /// closed.
    pub fn try_lock(&self, kind: LockKind) -> Result<LockAnswer> {
        use rustix::fs::FlockOperation::{NonBlockingLockExclusive, NonBlockingLockShared};
        let operation = match kind {
            LockKind::Exclusive => NonBlockingLockExclusive,
            LockKind::Shared => NonBlockingLockShared,
        };
        match rustix::fs::flock(&self.fd, operation) {
            Ok(()) => Ok(LockAnswer::Granted),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(LockAnswer::Taken),
            // On NFS, `flock` becomes a lock that needs a writable descriptor, which a directory
            // cannot have.
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::BADF) => {
                Ok(LockAnswer::Unsupported)
            }
            Err(cause) => Err(cause),
        }
    }
}

/// The kind of lock requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Excludes all other locks.
    Exclusive,
    /// Excludes exclusive locks.
    Shared,
}

/// The result of a lock request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockAnswer {
    Granted,
    /// Another process holds a conflicting lock.
    Taken,
    /// The file system does not support locks.
    Unsupported,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::InodeId;
    use crate::test_cache::TestCache;

    #[test]
    fn a_directory_is_recognized_by_its_inode_unless_inodes_change() {
        let cache = TestCache::new();
        let (top, status) = (Directory::open(&cache.dir()).unwrap(), |number| {
            let found = Directory::open(&cache.outside()).unwrap().status().unwrap();
            Ok(Status { inode: InodeId { number, ..found.inode }, ..found })
        });
        let looks = std::cell::Cell::new(0);
        let another_each_time = || {
            looks.set(looks.get() + 1);
            status(looks.get())
        };
        assert_eq!(top.is_found_by(|| top.status()), Ok(true));
        assert_eq!(top.is_found_by(|| status(0)), Ok(false));
        assert_eq!(top.is_found_by(another_each_time), Ok(true));
        assert_eq!(top.is_found_by(|| Err(Errno::NOENT)), Err(Errno::NOENT));
    }

    /// Dropping the cache checks that the targets of the symlinks are unchanged, too.
    #[test]
    fn no_symlink_is_followed() {
        let cache = TestCache::new();
        for name in ["", "precious", "closed"] {
            symlink(cache.outside().join(name), cache.path(&format!("to-{name}"))).unwrap();
        }
        let top = Directory::open(&cache.dir()).unwrap();
        assert!(top.open_folder(c"to-").is_err());
        assert!(top.open_child(c"to-").is_err());
        assert!(top.open_file(c"to-precious").is_err());
        assert!(top.open_data(c"to-precious").is_err());
        // Some systems have a mode for the symlink itself, and change that.
        let _ = top.make_child_writable(c"to-closed");
        for name in [c"to-", c"to-precious", c"to-closed"] {
            assert_eq!(top.status_of(name).unwrap().kind, Kind::Symlink);
        }
    }
}
