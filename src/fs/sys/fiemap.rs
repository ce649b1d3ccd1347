//! Shared extents on Linux: `FS_IOC_FIEMAP`, on the file systems that can share.
//!
//! The numbers come from the kernel's `linux/fiemap.h`, `linux/btrfs.h` and `xfs_fs.h`. This file
//! is one of the few with unsafe code, because no library makes these three requests the way they
//! are needed here.
#![allow(unsafe_code, reason = "ioctl")]

use std::os::fd::OwnedFd;

use rustix::io::Result;
use rustix::ioctl::{Direction, Opcode, Updater, ioctl, opcode};

use crate::fs::{
    Extent, FileMap, Holding, MappedExtent, RemovalPattern, Status, Volume, VolumeKind,
};

const BTRFS: u64 = 0x9123_683E;
const XFS: u64 = 0x5846_5342;
const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58F6;
/// File systems without shared data: ext2 to ext4, F2FS, FAT, exFAT, JFS, ReiserFS, tmpfs, ramfs.
const WITHOUT_SHARING: [u64; 8] =
    [0xEF53, 0xF2F5_2010, 0x4D44, 0x2011_BAB0, 0x3153_464A, 0x5265_4973, TMPFS, RAMFS];

/// The file system that contains an open file. `None` if files cannot share data on it.
pub fn volume(fd: &OwnedFd) -> Result<Option<Volume>> {
    match magic(fd)? {
        BTRFS => {
            let id = btrfs_id(fd)?;
            Ok(Some(Volume { id, kind: VolumeKind::Btrfs }))
        }
        XFS if !xfs_can_share(fd)? => Ok(None),
        XFS => {
            let id = rustix::fs::fstat(fd)?.st_dev.into();
            Ok(Some(Volume { id, kind: VolumeKind::Xfs }))
        }
        magic if WITHOUT_SHARING.contains(&magic) => Ok(None),
        _ => {
            let id = rustix::fs::fstat(fd)?.st_dev.into();
            Ok(Some(Volume { id, kind: VolumeKind::Opaque }))
        }
    }
}

/// As measured: see `docs/performance.md`.
pub fn removal_pattern(fd: &OwnedFd) -> RemovalPattern {
    match magic(fd) {
        Ok(BTRFS) => RemovalPattern::Queued { threads: 1 },
        Ok(XFS) => RemovalPattern::Queued { threads: 2 },
        Ok(TMPFS | RAMFS) => RemovalPattern::InMemory,
        _ => RemovalPattern::OnDisk,
    }
}

fn magic(fd: &OwnedFd) -> Result<u64> {
    // The type of the magic number differs between machines. Its bits do not.
    Ok(rustix::fs::fstatfs(fd)?.f_type as u64 & u64::from(u32::MAX))
}

/// `struct btrfs_ioctl_fs_info_args`.
#[repr(C)]
struct BtrfsInfo {
    max_id: u64,
    devices: u64,
    id: [u8; 16],
    rest: [u8; 992],
}

fn btrfs_id(fd: &OwnedFd) -> Result<u128> {
    const FS_INFO: Opcode = opcode::read::<BtrfsInfo>(0x94, 31);
    let mut info = BtrfsInfo { max_id: 0, devices: 0, id: [0; 16], rest: [0; 992] };
    // SAFETY: the request fills a structure of 1024 bytes, which is the size of this one.
    unsafe { ioctl(fd, Updater::<FS_INFO, _>::new(&mut info))? };
    Ok(u128::from_ne_bytes(info.id))
}

/// `struct xfs_fsop_geom_v1`.
#[repr(C)]
struct XfsGeometry {
    before: [u32; 23],
    flags: u32,
    after: [u32; 4],
}

fn xfs_can_share(fd: &OwnedFd) -> Result<bool> {
    const GEOMETRY: Opcode = opcode::read::<XfsGeometry>(b'X', 100);
    const REFLINK: u32 = 1 << 20;
    let mut geometry = XfsGeometry { before: [0; 23], flags: 0, after: [0; 4] };
    // SAFETY: the request fills a structure of 112 bytes, which is the size of this one.
    unsafe { ioctl(fd, Updater::<GEOMETRY, _>::new(&mut geometry))? };
    Ok(geometry.flags & REFLINK != 0)
}

/// Number of extents per request. Nearly all files have fewer.
const SLOTS: usize = 32;

/// The size of a request before its extents, in bytes.
const HEADER: usize = 32;

/// `struct fiemap` with its extents.
#[repr(C)]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    slots: u32,
    reserved: u32,
    extents: [Mapped; SLOTS],
}

/// `struct fiemap_extent`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Mapped {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

const SYNC: u32 = 1;

const LAST: u32 = 1;
const UNKNOWN: u32 = 2;
const DELAYED: u32 = 4;
const ENCODED: u32 = 8;
const INLINE: u32 = 0x200;
const SHARED: u32 = 0x2000;

fn ask(file: &OwnedFd, start: u64, flags: u32) -> Result<Request> {
    // The request number encodes the size of the header alone.
    const FIEMAP: Opcode = opcode::from_components(Direction::ReadWrite, b'f', 11, HEADER);
    let mut request = Request {
        start,
        length: u64::MAX - start,
        flags,
        mapped: 0,
        slots: SLOTS as u32,
        reserved: 0,
        extents: [Mapped::default(); SLOTS],
    };
    // SAFETY: the request writes the header of 32 bytes and up to `slots` extents of 56 bytes after
    // it, and there is room for `slots`.
    unsafe { ioctl(file, Updater::<FIEMAP, _>::new(&mut request))? };
    Ok(request)
}

/// Inspects an open file. Calls `each` with every extent that has a location.
pub fn look_into(file: &OwnedFd, status: &Status, mut each: impl FnMut(Extent)) -> Result<Holding> {
    let mut holding = Holding::default();
    for_each_extent(file, |extent| holding += extent.holding(status, &mut each))?;
    Ok(holding)
}

/// Where the data of an open file is located.
pub fn file_map(file: &OwnedFd) -> Result<FileMap> {
    let (mut extents, mut flags) = (Vec::new(), 0);
    for_each_extent(file, |extent| {
        flags |= extent.flags;
        extents.push(MappedExtent {
            logical: extent.logical,
            physical: extent.physical,
            length: extent.length,
            is_shared: extent.has(SHARED),
            is_encoded: extent.has(ENCODED),
        });
    })?;
    Ok(match flags {
        flags if flags & INLINE != 0 => FileMap::Inline,
        flags if flags & (UNKNOWN | DELAYED) != 0 => FileMap::Unsettled,
        _ => FileMap::Extents(extents),
    })
}

fn for_each_extent(file: &OwnedFd, mut each: impl FnMut(&Mapped)) -> Result<()> {
    let (mut start, mut flags) = (0, 0);
    loop {
        let found = ask(file, start, flags)?;
        let extents = &found.extents[..SLOTS.min(found.mapped as usize)];
        // Extents without a location get one. Files without such extents are not worth the wait.
        if flags & SYNC == 0 && extents.iter().any(|extent| extent.flags & DELAYED != 0) {
            flags |= SYNC;
            continue;
        }
        extents.iter().for_each(&mut each);
        let last = extents.last().filter(|last| extents.len() == SLOTS && !last.has(LAST));
        match last.map(|last| last.logical.saturating_add(last.length)) {
            Some(next) if next > start => start = next,
            _ => return Ok(()),
        }
    }
}

/// The smallest extent, in bytes.
const LEAST_EXTENT: u64 = 4096;

impl Mapped {
    fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    fn holding(&self, status: &Status, each: &mut impl FnMut(Extent)) -> Holding {
        let length = self.length;
        if self.has(INLINE) {
            let unsure = if self.has(ENCODED) { status.size } else { 0 };
            return Holding { unsure, ..Holding::inline(status) };
        }
        if self.has(UNKNOWN | DELAYED) {
            return Holding::unsure(length);
        }
        let is_encoded = self.has(ENCODED);
        let is_shared = self.has(SHARED);
        each(Extent { physical: self.physical, length, is_encoded, is_shared });
        if is_shared {
            return Holding { shared: length, ..Holding::default() };
        }
        let unsure = if is_encoded { length.saturating_sub(LEAST_EXTENT) } else { 0 };
        Holding { unsure, ..Holding::default() }
    }
}

#[cfg(test)]
#[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
mod tests {
    use super::*;

    #[test]
    fn the_structures_have_the_kernels_size() {
        assert_eq!(size_of::<BtrfsInfo>(), 1024);
        assert_eq!(size_of::<XfsGeometry>(), 112);
        assert_eq!(size_of::<Mapped>(), 56);
        assert_eq!(std::mem::offset_of!(Request, extents), HEADER);
        assert_eq!(size_of::<Request>(), HEADER + 56 * SLOTS);
    }

    #[test]
    fn the_flags_of_an_extent_determine_its_holding() {
        let file = tempfile::tempfile().unwrap();
        let status = Status { size: 100, blocks: 8, ..Status::from(&file.metadata().unwrap()) };
        let (length, none) = (10_000, Holding::default());
        for (flags, expected, has_place) in [
            (0, none, true),
            (LAST, none, true),
            (SHARED, Holding { shared: length, ..none }, true),
            (SHARED | ENCODED, Holding { shared: length, ..none }, true),
            (ENCODED, Holding { unsure: length - 4096, ..none }, true),
            (UNKNOWN, Holding { unsure: length, ..none }, false),
            (DELAYED, Holding { unsure: length, ..none }, false),
            (INLINE, Holding { padding: 4096 - 100, ..none }, false),
            (INLINE | ENCODED, Holding { padding: 4096 - 100, unsure: 100, ..none }, false),
        ] {
            let extent = Mapped { physical: 7, length, flags, ..Mapped::default() };
            let mut placed = Vec::new();
            assert_eq!(extent.holding(&status, &mut |found| placed.push(found)), expected);
            let (is_encoded, is_shared) = (flags & ENCODED != 0, flags & SHARED != 0);
            let found = Extent { physical: 7, length, is_encoded, is_shared };
            assert_eq!(placed, if has_place { vec![found] } else { vec![] }, "{flags:x}");
        }
    }

    /// More extents than one request returns, and still without a location when requested.
    #[test]
    fn no_extent_is_unsure_once_it_has_a_location() {
        use std::os::unix::fs::FileExt;
        let (file, block) = (tempfile::tempfile().unwrap(), [b'x'; 4096]);
        (0..100).for_each(|number| file.write_all_at(&block, number * 3 * 4096).unwrap());
        let status = Status::from(&file.metadata().unwrap());
        match look_into(&file.into(), &status, |_| {}) {
            Ok(found) if status.on_disk() == 100 * 4096 => {
                assert_eq!(found, Holding::default());
            }
            Ok(_) => eprintln!("skipped: the file system compresses written data"),
            Err(cause) => eprintln!("skipped: the file system does not report extents: {cause}"),
        }
    }
}
