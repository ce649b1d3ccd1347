//! Stand-ins for a Unix with nothing beyond the common calls.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Result;

pub fn is_immutable(_: &OwnedFd, _: &CStr) -> bool {
    false
}

pub fn born(_: &OwnedFd, _: &CStr) -> Result<Option<Timestamp>> {
    Ok(None)
}

pub fn path(_: &OwnedFd) -> Option<PathBuf> {
    None
}

pub fn make_writable(parent: &OwnedFd, name: &CStr) -> Result<()> {
    rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
}
