//! Systems that do not report what files share.

use std::os::fd::OwnedFd;

use rustix::io::Result;

use crate::fs::{Extent, Holding, RemovalPattern, Status, Volume};

/// No file system here has been measured.
pub fn removal_pattern(_: &OwnedFd) -> RemovalPattern {
    RemovalPattern::OnDisk
}

pub fn volume(_: &OwnedFd) -> Result<Option<Volume>> {
    Ok(None)
}

/// Never called, because there is no volume.
pub fn look_into(_: &OwnedFd, status: &Status, _: impl FnMut(Extent)) -> Result<Holding> {
    Ok(Holding::unsure(status.on_disk()))
}
