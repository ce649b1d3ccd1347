//! Shared data on macOS: a file's private size, `ATTR_CMNEXT_PRIVATESIZE`.
//!
//! APFS reports how many bytes are freed at once with a file, but not who shares the others. So
//! these may or may not be freed. The attribute is documented in `getattrlist(2)` and `sys/attr.h`.
//! This file is one of the few with unsafe code, because no library requests the attribute.
#![allow(unsafe_code, reason = "getattrlist")]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::{Errno, Result};

use crate::fs::{Extent, Holding, RemovalPattern, Status, Volume, VolumeKind};

/// No file system here has been measured.
pub fn removal_pattern(_: &OwnedFd) -> RemovalPattern {
    RemovalPattern::OnDisk
}

/// The file system that contains an open file. `None` if files cannot share data on it.
pub fn volume(fd: &OwnedFd) -> Result<Option<Volume>> {
    const APFS: &[u8] = b"apfs\0";
    let found = rustix::fs::fstatfs(fd)?;
    let name: Vec<u8> = found.f_fstypename.iter().take(APFS.len()).map(|&c| c as u8).collect();
    if name != APFS {
        return Ok(None);
    }
    let device = rustix::fs::fstat(fd)?.st_dev;
    Ok(Some(Volume { id: u128::from(device.unsigned_abs()), kind: VolumeKind::Apfs }))
}

/// The answer: its length, and one attribute. The kernel packs it without gaps.
#[repr(C, packed(4))]
#[derive(Default)]
struct Answer {
    length: u32,
    private: i64,
}

/// An answer, aligned for the kernel to write to.
#[repr(C, align(8))]
#[derive(Default)]
struct Aligned(Answer);

/// Inspects an open file. The system does not report its shared extents, so `each` is never called.
pub fn look_into(file: &OwnedFd, status: &Status, _: impl FnMut(Extent)) -> Result<Holding> {
    let mut wanted = libc::attrlist {
        bitmapcount: libc::ATTR_BIT_MAP_COUNT,
        reserved: 0,
        commonattr: 0,
        volattr: 0,
        dirattr: 0,
        fileattr: 0,
        forkattr: libc::ATTR_CMNEXT_PRIVATESIZE,
    };
    let mut answer = Aligned::default();
    // SAFETY: both structures outlive the call, which is given the size of the second.
    let result = unsafe {
        libc::fgetattrlist(
            file.as_raw_fd(),
            (&raw mut wanted).cast(),
            (&raw mut answer).cast(),
            size_of::<Aligned>(),
            libc::FSOPT_ATTR_CMN_EXTENDED,
        )
    };
    if result != 0 {
        let cause = std::io::Error::last_os_error();
        return Err(Errno::from_io_error(&cause).unwrap_or(Errno::IO));
    }
    let Answer { length, private } = answer.0;
    if usize::try_from(length) == Ok(size_of::<Answer>()) {
        let private = u64::try_from(private).unwrap_or(0);
        Ok(Holding::unsure(status.on_disk().saturating_sub(private)))
    } else {
        Err(Errno::NOTSUP)
    }
}
