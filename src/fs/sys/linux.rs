//! Directories on Linux: `getdents64` into one buffer per thread, `statx` with the smallest mask.

use std::cell::RefCell;
use std::ffi::{CStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags, StatxAttributes, StatxFlags,
};
use rustix::io::{Errno, Result};

use crate::fs::mountinfo::Mount;
use crate::fs::{InodeId, Kind, Status};

/// 32 KiB has room for some 800 entries, so nearly every directory takes one call.
const BUFFER_BYTES: usize = 32 * 1024;

/// The offset after the last entry of a directory on ext4, btrfs and tmpfs. No offset is greater,
/// so there is nothing more to read. On other file systems the offsets go on, and only another call
/// finds the end.
const END: u64 = i64::MAX as u64;

thread_local! {
    static BUFFER: RefCell<Box<[MaybeUninit<u8>]>> =
        RefCell::new(vec![MaybeUninit::uninit(); BUFFER_BYTES].into_boxed_slice());
}

/// Everything that sizing and listing need, and nothing that costs a file system more.
const MASK: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::MODE)
    .union(StatxFlags::NLINK)
    .union(StatxFlags::INO)
    .union(StatxFlags::SIZE)
    .union(StatxFlags::BLOCKS)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::CTIME);

/// Set once a directory of another user is met, because every refused attempt costs a call.
static ACCESS_TIME_REFUSED: AtomicBool = AtomicBool::new(false);

/// Opens without updating the access time, so that inspecting a cache does not write to its disk.
/// Only the owner may do that.
pub fn open_quietly(parent: &OwnedFd, name: &CStr, flags: OFlags) -> Result<OwnedFd> {
    if !ACCESS_TIME_REFUSED.load(Ordering::Relaxed) {
        match rustix::fs::openat(parent, name, flags | OFlags::NOATIME, Mode::empty()) {
            Err(Errno::PERM) => ACCESS_TIME_REFUSED.store(true, Ordering::Relaxed),
            result => return result,
        }
    }
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Refuses a mount point before opening it, because opening a device may have side effects. Kernels
/// before 5.6 and some containers cannot do that; there the caller checks the status afterwards.
pub fn open_data(parent: &OwnedFd, name: &CStr, flags: OFlags) -> Result<OwnedFd> {
    match rustix::fs::openat2(parent, name, flags, Mode::empty(), ResolveFlags::NO_XDEV) {
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(parent, name, flags, Mode::empty()),
        result => result,
    }
}

pub fn status(fd: &OwnedFd) -> Result<Status> {
    statx(fd, c"", AtFlags::EMPTY_PATH)
}

// Inlined for the walkers: see `docs/performance.md`.
#[inline(always)]
pub fn status_of(parent: &OwnedFd, name: &CStr) -> Result<Status> {
    statx(parent, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}

// Inlined for the walkers: see `docs/performance.md`.
#[inline(always)]
fn statx(fd: &OwnedFd, name: &CStr, flags: AtFlags) -> Result<Status> {
    let found = rustix::fs::statx(fd, name, flags | AtFlags::STATX_DONT_SYNC, MASK)?;
    let kind =
        Kind::from_type(FileType::from_raw_mode(found.stx_mode.into())).unwrap_or(Kind::Special);
    let mounted = StatxAttributes::MOUNT_ROOT;
    let device = u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor);
    Ok(Status {
        kind,
        mode: u32::from(found.stx_mode) & 0o7777,
        inode: InodeId { device, number: found.stx_ino },
        links: found.stx_nlink.into(),
        size: found.stx_size,
        blocks: found.stx_blocks,
        modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        mounted: found
            .stx_attributes_mask
            .contains(mounted)
            .then_some(found.stx_attributes.contains(mounted)),
    })
}

pub fn born(parent: &OwnedFd, name: &CStr) -> Result<Option<Timestamp>> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(parent, name, flags, StatxFlags::BTIME)?;
    let is_known = found.stx_mask & StatxFlags::BTIME.bits() != 0;
    let (seconds, nanoseconds) = (found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
    Ok(is_known.then(|| crate::fs::time(seconds, nanoseconds)))
}

pub fn is_immutable(parent: &OwnedFd, name: &CStr) -> bool {
    let marks = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(parent, name, flags, StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.intersects(marks))
}

// Inlined for the walkers: see `docs/performance.md`.
#[inline(always)]
pub fn read(fd: &OwnedFd, mut each: impl FnMut(&CStr, Option<Kind>)) -> Result<()> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut entries = RawDir::new(fd, buffer);
        let mut place = 0;
        while !(place == END && entries.is_buffer_empty()) {
            let Some(entry) = entries.next() else { break };
            let entry = match entry {
                Ok(entry) => entry,
                // The directory itself has been removed in the meantime, so it is empty.
                Err(Errno::NOENT) => return Ok(()),
                Err(cause) => return Err(cause),
            };
            place = entry.next_entry_cookie();
            let name = entry.file_name();
            if name != c"." && name != c".." {
                each(name, Kind::from_type(entry.file_type()));
            }
        }
        Ok(())
    })
}

pub fn settle(fd: &OwnedFd) -> Result<()> {
    rustix::fs::syncfs(fd)
}

/// Whether another mount begins at `child`. Kernels before 5.8 do not report this with the status;
/// then `/proc` does. Fails if `/proc` is missing, too.
pub fn is_mount(parent: &OwnedFd, child: &OwnedFd, status: &Status) -> Result<bool> {
    match status.mounted {
        Some(mounted) => Ok(mounted),
        None => Ok(mount_id(parent)? != mount_id(child)?),
    }
}

/// The mount points visible to this process.
pub fn mount_points() -> std::io::Result<Vec<PathBuf>> {
    let points = mounts()?.into_iter().map(|mount| mount.point);
    Ok(points.map(|point| OsString::from_vec(point).into()).collect())
}

/// The mounts visible to this process.
pub fn mounts() -> std::io::Result<Vec<Mount>> {
    Ok(crate::fs::mountinfo::parse(&std::fs::read("/proc/self/mountinfo")?))
}

/// The ID of the mount through which a file was opened, as in `/proc/self/mountinfo`.
pub fn mount_id(fd: &OwnedFd) -> Result<u64> {
    let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    let info = std::fs::read_to_string(path).map_err(|_| Errno::NOTSUP)?;
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:"));
    id.and_then(|id| id.trim().parse().ok()).ok_or(Errno::NOTSUP)
}

/// `fchmodat` follows symlinks on older kernels. An `O_PATH` descriptor needs no permission on the
/// directory, and its `/proc` link leads to the inode itself.
pub fn make_writable(parent: &OwnedFd, name: &CStr) -> Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let named = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    if is_mount(parent, &named, &status(&named)?)? {
        return Err(Errno::XDEV);
    }
    rustix::fs::chmodat(CWD, own_link(&named), Mode::RWXU, AtFlags::empty())
}

pub fn path(fd: &OwnedFd) -> Option<PathBuf> {
    let target = rustix::fs::readlink(own_link(fd), Vec::new()).ok()?;
    Some(OsString::from_vec(target.into_bytes()).into())
}

fn own_link(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

// In the portable configuration this file only stands in for some calls.
#[cfg(all(test, not(bbox_portable)))]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::fs::Directory;

    /// The kernel would update an access time older than the last change, unless mounted `noatime`.
    #[test]
    fn listing_does_not_update_the_access_time() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("d");
        fs::create_dir(&path).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        File::open(&path).unwrap().set_times(FileTimes::new().set_accessed(long_ago)).unwrap();
        let directory = Directory::open(home.path()).unwrap().open_folder(c"d").unwrap();
        directory.for_each(|_, _| {}).unwrap();
        let accessed = fs::metadata(&path).unwrap().accessed().unwrap();
        // Another test may have met a directory of another user.
        assert!(accessed == long_ago || ACCESS_TIME_REFUSED.load(Ordering::Relaxed));
    }

    #[test]
    fn the_mode_of_a_symlink_target_is_not_changed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
        for name in ["closed", "outside"] {
            fs::create_dir(path(name)).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o500)).unwrap();
        }
        symlink("outside", path("symlink")).unwrap();
        let directory = Directory::open(home.path()).unwrap();
        directory.make_child_writable(c"closed").unwrap();
        directory.make_child_writable(c"symlink").unwrap_err();
        assert_eq!((mode("closed"), mode("outside")), (0o700, 0o500));
    }

    #[test]
    fn a_mount_is_detected_even_if_its_status_does_not_report_it() {
        let home = tempfile::tempdir().unwrap();
        let mount = |program: &str, arguments: &[&str]| {
            let mut command = std::process::Command::new(program);
            let output = command.args(arguments).arg(home.path().join("mounted")).output();
            output.is_ok_and(|output| output.status.success())
        };
        for name in ["plain", "mounted"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        let is_mounted = mount("mount", &["-t", "tmpfs", "bbox-test"]);
        let parent = Directory::open(home.path()).unwrap();
        for (name, expected) in [(c"plain", false), (c"mounted", is_mounted)] {
            let child = parent.open_folder(name).unwrap();
            let told = child.status().unwrap();
            let is_same = parent.status().unwrap().inode.device == told.inode.device;
            assert_eq!(is_same, !expected, "another file system is another device");
            let silent = Status { mounted: None, ..told };
            assert_eq!(is_mount(&parent.fd, &child.fd, &silent), Ok(expected), "{name:?}");
            assert_eq!(is_mount(&parent.fd, &child.fd, &told), Ok(expected), "{name:?}");
        }
        assert!(!is_mounted || mount("umount", &[]));
    }

    #[test]
    fn free_space_is_in_whole_blocks_and_within_the_total() {
        let home = tempfile::tempdir().unwrap();
        let disk = Directory::open(home.path()).unwrap().disk().unwrap();
        let found = rustix::fs::statvfs(home.path()).unwrap();
        assert_eq!(disk.size.as_u64(), found.f_blocks * found.f_frsize);
        assert_eq!(disk.free.as_u64() % found.f_frsize, 0);
        assert!(disk.available <= disk.free && disk.free <= disk.size);
    }

    #[test]
    fn a_birth_is_reported_if_the_file_system_records_it() {
        let home = tempfile::tempdir().unwrap();
        let born = Directory::open(home.path()).unwrap().born(c".").unwrap();
        let expected = fs::metadata(home.path()).unwrap().created().ok();
        assert_eq!(born, expected.map(|time| Timestamp::try_from(time).unwrap()));
    }
}
