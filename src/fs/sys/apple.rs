//! Calls for directories on macOS that other Unix systems lack.

use std::ffi::{CStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Result;

/// UF_IMMUTABLE, UF_APPEND, SF_IMMUTABLE, SF_APPEND of <sys/stat.h>.
const IMMUTABLE: u32 = 0x2 | 0x4 | 0x2_0000 | 0x4_0000;

pub fn is_immutable(parent: &OwnedFd, name: &CStr) -> bool {
    let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| found.st_flags & IMMUTABLE != 0)
}

pub fn born(parent: &OwnedFd, name: &CStr) -> Result<Option<Timestamp>> {
    let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let (seconds, nanoseconds) = (found.st_birthtime as i64, found.st_birthtime_nsec as u32);
    Ok(Some(crate::fs::time(seconds, nanoseconds)))
}

pub fn path(fd: &OwnedFd) -> Option<PathBuf> {
    let path = rustix::fs::getpath(fd).ok()?;
    Some(OsString::from_vec(path.into_bytes()).into())
}

pub fn make_writable(parent: &OwnedFd, name: &CStr) -> Result<()> {
    rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
}
