//! Systems that cannot make equal files share data. Callers check [`CAN_SHARE_RANGES`] first.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::OFlags;
use rustix::io::{Errno, Result};

use crate::fs::{FileMap, Sharing};

pub const CAN_SHARE_RANGES: bool = false;

pub fn open_below(_: &OwnedFd, _: &CStr, _: OFlags) -> Result<OwnedFd> {
    Err(Errno::NOSYS)
}

pub fn file_map(_: &OwnedFd) -> Result<FileMap> {
    Err(Errno::NOTSUP)
}

pub fn share_range(_: &OwnedFd, _: &OwnedFd, _: u64, _: u64) -> Result<Sharing> {
    Err(Errno::NOTSUP)
}

pub fn is_in_memory(_: &OwnedFd, _: u64) -> bool {
    false
}

pub const QUIET: OFlags = OFlags::empty();
