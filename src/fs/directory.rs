//! A directory held by its descriptor.
//!
//! A path is looked up anew each time it is used, and in between another process may put a symlink where a
//! directory was. A descriptor stays what it is. So everything below the cache is reached one name
//! at a time, relative to a [`Directory`], and never through a symlink or into another mount.

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
use super::shared_data::{DataFile, OPEN_DATA, Volume};
use super::status::{CLOSED, Disk, Kind, Status};
use super::sys;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Leaves a time as it is.
const OMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };

/// An open directory. Its methods answer with the bare error number: the caller knows the
/// operation and the path.
#[derive(Debug)]
pub struct Directory {
    pub(super) fd: OwnedFd,
}

impl Directory {
    /// Opens by path, through symlinks: for the top of a cache only, which its user may have
    /// placed on a bigger disk.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = patiently(|| rustix::fs::open(path, OPEN, Mode::empty()))?;
        Ok(Self { fd })
    }

    /// Opens the directory `name` in here, even if something is mounted on it: for the cache's own
    /// folders, which a user may have placed so. A symlink is refused with `LOOP` or `NOTDIR`.
    pub fn open_folder(&self, name: &CStr) -> Result<Self> {
        let flags = OPEN | OFlags::NOFOLLOW;
        let fd = patiently(|| sys::open_quietly(&self.fd, name, flags))?;
        Ok(Self { fd })
    }

    /// Opens the directory `name` in here, together with its status.
    ///
    /// # Errors
    /// `LOOP` or `NOTDIR` for anything but a directory, `XDEV` where another file system (or a
    /// part of this one) is mounted.
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

    /// Whether a look at a path finds this directory. Some file systems, FUSE and over a network, have another
    /// inode number for each look: then it counts as found, since nothing could tell.
    pub fn is_found_by(&self, look: impl Fn() -> Result<Status>) -> Result<bool> {
        let (held, found) = (self.status()?.inode, look()?.inode);
        if held == found || self.status()?.inode != held {
            return Ok(true);
        }
        let [second, third] = [look()?.inode, look()?.inode];
        Ok(found != second && second != third)
    }

    /// When an entry was made, the symlink itself if it is one, or `.`; `None` where the file system
    /// does not know.
    pub fn born(&self, name: &CStr) -> Result<Option<Timestamp>> {
        sys::born(&self.fd, name)
    }

    /// The user that owns an entry, or the symlink itself if it is one.
    pub fn owner_of(&self, name: &CStr) -> Result<u32> {
        Ok(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?.st_uid)
    }

    /// Asks whether this process may add and remove names in the directory `name`, which is not
    /// followed if it is a symlink, or in `.`.
    ///
    /// # Errors
    /// `ACCESS` if its mode or owner does not allow it, `PERM` if it is immutable, `ROFS` on a file
    /// system or in a subvolume that is read-only.
    pub fn check_writable(&self, name: &CStr) -> Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::accessat(&self.fd, name, access, flags)
    }

    /// Whether something is mounted on an entry, or it is a part of another file system.
    pub fn is_mount_point(&self, name: &CStr) -> bool {
        match self.status_of(name) {
            Ok(Status { mounted: Some(mounted), .. }) => mounted,
            Ok(_) => matches!(self.open_child(name), Err(Errno::XDEV)),
            Err(_) => false,
        }
    }

    /// Whether an entry is marked so that it cannot be changed or removed, as far as that is known.
    pub fn is_immutable(&self, name: &CStr) -> bool {
        sys::is_immutable(&self.fd, name)
    }

    /// The status of an entry, of the symlink itself if it is one.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn status_of(&self, name: &CStr) -> Result<Status> {
        sys::status_of(&self.fd, name)
    }

    /// Calls `each` with every entry but `.` and `..`, in no order. The kind is missing where the
    /// file system does not tell it. `each` must not read a directory itself. Once only: a caller that
    /// wants to see the entries again opens the directory anew.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn for_each(&self, each: impl FnMut(&CStr, Option<Kind>)) -> Result<()> {
        sys::read(&self.fd, each)
    }

    /// Opens a file for reading, never through a symlink, and without waiting for the other end of
    /// a FIFO.
    pub fn open_file(&self, name: &CStr) -> Result<std::fs::File> {
        let open = || rustix::fs::openat(&self.fd, name, OPEN_DATA, Mode::empty());
        Ok(patiently(open)?.into())
    }

    /// Opens a file to see what it holds, unless it is mounted there: `XDEV`.
    pub fn open_data(&self, name: &CStr) -> Result<DataFile> {
        patiently(|| sys::open_data(&self.fd, name, OPEN_DATA)).map(DataFile)
    }

    /// Opens a file to see what it holds, together with its status.
    pub fn open_data_with_status(&self, name: &CStr) -> Result<(DataFile, Status)> {
        let file = self.open_data(name)?;
        let status = file.status()?;
        Ok((file, status))
    }

    /// Where the symlink `name` points, byte for byte.
    pub fn read_link(&self, name: &CStr) -> Result<OsString> {
        let target = rustix::fs::readlinkat(&self.fd, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// Opens the directory at `path` below here, or `.`: never through a symlink, nor into another mount.
    ///
    /// # Errors
    /// `NOSYS` on kernels before Linux 5.6, `NAMETOOLONG` for a path that the system does not take.
    pub fn open_directory_below(&self, path: &CStr) -> Result<Self> {
        let flags = OPEN | OFlags::NOFOLLOW;
        let fd = patiently(|| sys::open_below(&self.fd, path, flags))?;
        Ok(Self { fd })
    }

    /// Opens the file at `path` below here, for reading that leaves no access time behind.
    ///
    /// # Errors
    /// As for [`Directory::open_directory_below`]; `PERM` for the file of another user.
    pub fn open_data_below(&self, path: &CStr) -> Result<DataFile> {
        let flags = OPEN_DATA | sys::QUIET;
        patiently(|| sys::open_below(&self.fd, path, flags)).map(DataFile)
    }

    /// The file system that the directory lies on, if files can share data there.
    pub fn volume(&self) -> Result<Option<Volume>> {
        sys::volume(&self.fd)
    }

    /// Whether the file system is known to remove one name after the other, however many threads ask. Where that cannot be
    /// told, it is not.
    pub fn queues_removals(&self) -> bool {
        sys::queues_removals(&self.fd)
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

    /// Whether the file system is mounted read-only here, as far as that is known.
    pub fn is_mounted_read_only(&self) -> bool {
        let found = rustix::fs::fstatvfs(&self.fd);
        found.is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
    }

    /// Waits until everything that was done on the file system so far has had its effect on
    /// [`Directory::disk`].
    pub fn settle(&self) -> Result<()> {
        sys::settle(&self.fd)
    }

    /// Removes a name that is not a directory.
    pub fn remove_file(&self, name: &CStr) -> Result<()> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &CStr) -> Result<()> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)
    }

    /// Renames `from` in here to `to` in `target`, and fails with `EXIST` rather than replace
    /// anything.
    pub fn rename(&self, from: &CStr, target: &Self, to: &CStr) -> Result<()> {
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.fd, from, &target.fd, to, flags) {
            // Not every file system knows the flag. Then look first: the gap between the two calls
            // is harmless, a directory is never renamed over anything but an empty directory.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match target.status_of(to) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => rustix::fs::renameat(&self.fd, from, &target.fd, to),
                Err(cause) => Err(cause),
            },
            result => result,
        }
    }

    /// Renames `from` in here to `to` in `target`, in place of a file of that name.
    pub fn replace(&self, from: &CStr, target: &Self, to: &CStr) -> Result<()> {
        rustix::fs::renameat(&self.fd, from, &target.fd, to)
    }

    /// Makes a directory that only its owner may enter.
    pub fn make_directory(&self, name: &CStr) -> Result<()> {
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU)
    }

    /// Makes a file that only its owner may read. It must not be there yet.
    pub fn create_file(&self, name: &CStr) -> Result<std::fs::File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(patiently(|| rustix::fs::openat(&self.fd, name, flags, mode))?.into())
    }

    /// Sets the directory's time of change to now.
    pub fn touch(&self) -> Result<()> {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        rustix::fs::futimens(&self.fd, &Timestamps { last_access: OMIT, last_modification: now })
    }

    /// Lets the owner read, write and enter this directory.
    pub fn make_writable(&self) -> Result<()> {
        rustix::fs::fchmod(&self.fd, Mode::RWXU)
    }

    /// Keeps everyone but root from listing this directory, while its owner can still empty it.
    pub fn close(&self) -> Result<()> {
        rustix::fs::fchmod(&self.fd, CLOSED)
    }

    /// Lets the owner read, write and enter the directory `name`, which cannot be opened as it is.
    /// `XDEV` for one that is mounted there.
    pub fn make_child_writable(&self, name: &CStr) -> Result<()> {
        patiently(|| sys::make_writable(&self.fd, name))
    }

    /// Where the system says this directory is: for messages, and to know the directory again in
    /// what the system says of others. Nothing is reached by it.
    pub fn path(&self) -> Option<PathBuf> {
        sys::path(&self.fd)
    }

    /// The number of the mount that it was opened through, as the system's list of mounts has it.
    #[cfg(all(target_os = "linux", not(bbox_portable)))]
    pub fn mount_id(&self) -> Result<u64> {
        sys::mount_id(&self.fd)
    }

    /// Asks for a `flock` of this directory, without waiting. It is let go when the directory is
    /// closed, however that comes.
    pub fn try_lock(&self, kind: LockKind) -> Result<LockAnswer> {
        use rustix::fs::FlockOperation::{NonBlockingLockExclusive, NonBlockingLockShared};
        let operation = match kind {
            LockKind::Exclusive => NonBlockingLockExclusive,
            LockKind::Shared => NonBlockingLockShared,
        };
        match rustix::fs::flock(&self.fd, operation) {
            Ok(()) => Ok(LockAnswer::Granted),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(LockAnswer::Taken),
            // NFS makes of it a lock that needs a descriptor for writing, which directories have not.
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::BADF) => {
                Ok(LockAnswer::Unsupported)
            }
            Err(cause) => Err(cause),
        }
    }
}

/// Which lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Excludes all others.
    Exclusive,
    /// Excludes exclusive ones.
    Shared,
}

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockAnswer {
    Granted,
    /// Another process holds one that excludes it.
    Taken,
    /// The file system knows no locks.
    Unsupported,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::InodeId;
    use crate::test_cache::TestCache;

    #[test]
    fn a_directory_is_found_by_its_inode_unless_inodes_say_nothing() {
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

    /// Nor is what they lead to changed, which is checked when the cache goes.
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
