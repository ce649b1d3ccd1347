//! Sharing equal data on Linux: `FIDEDUPERANGE`.
//!
//! The kernel locks both files, compares the ranges and makes them share one copy only if they are
//! equal, so only the location of the data changes. The numbers come from `linux/fs.h`. This file
//! is one of the few with unsafe code, because no library makes this request.
#![allow(unsafe_code, reason = "ioctl")]

use std::ffi::CStr;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, ReadWriteFlags, Result};
use rustix::ioctl::{Direction, Opcode, Updater, ioctl, opcode};

use crate::fs::Sharing;

/// Whether this system can make equal files share data at all, given a file system that can.
pub const CAN_SHARE_RANGES: bool = true;

/// Reads without updating the access time. Only the owner may do that, and only the owner may
/// share.
pub const QUIET: OFlags = OFlags::NOATIME;

/// Opens the entry at `path` relative to `top`. Never follows a symlink or crosses into another
/// mount.
pub fn open_below(top: &OwnedFd, path: &CStr, flags: OFlags) -> Result<OwnedFd> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    rustix::fs::openat2(top, path, flags, Mode::empty(), within)
}

pub fn is_in_memory(file: &OwnedFd, offset: u64) -> bool {
    let mut byte = [0];
    let buffers = &mut [IoSliceMut::new(&mut byte)];
    rustix::io::preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT).is_ok()
}

/// `struct file_dedupe_range` with a single `struct file_dedupe_range_info`.
#[repr(C)]
struct Request {
    source_offset: u64,
    length: u64,
    destinations: u16,
    reserved: u16,
    reserved_too: u32,
    destination: i64,
    destination_offset: u64,
    done: u64,
    status: i32,
    reserved_last: u32,
}

/// The size of a request before its destinations, in bytes.
const HEADER: usize = 24;

const DIFFERS: i32 = 1;

/// Makes `destination` share a range of `source` if both have the same data there.
pub fn share_range(
    source: &OwnedFd,
    destination: &OwnedFd,
    offset: u64,
    length: u64,
) -> Result<Sharing> {
    // The request number encodes the size of the header alone.
    const DEDUPE: Opcode = opcode::from_components(Direction::ReadWrite, 0x94, 54, HEADER);
    let mut request = Request {
        source_offset: offset,
        length,
        destinations: 1,
        reserved: 0,
        reserved_too: 0,
        destination: destination.as_raw_fd().into(),
        destination_offset: offset,
        done: 0,
        status: 0,
        reserved_last: 0,
    };
    // SAFETY: the request reads and writes the header of 24 bytes and `destinations` structures of
    // 32 bytes after it, and there is room for the one it announces.
    unsafe { ioctl(source, Updater::<DEDUPE, _>::new(&mut request))? };
    match request.status {
        0 => Ok(Sharing::Shared { bytes: request.done }),
        DIFFERS => Ok(Sharing::Differs),
        error => Err(Errno::from_raw_os_error(-error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_kernels_size() {
        assert_eq!(std::mem::offset_of!(Request, destination), HEADER);
        assert_eq!(size_of::<Request>(), HEADER + 32);
    }
}
