//! Systems that do not report what files share.

use std::os::fd::OwnedFd;

use rustix::io::Result;

use crate::fs::{Extent, Holding, Status, Volume};

/// No file system here is known to serialize removals.
pub fn queues_removals(_: &OwnedFd) -> bool {
    false
}

pub fn volume(_: &OwnedFd) -> Result<Option<Volume>> {
    Ok(None)
}

/// Never called, because there is no volume.
pub fn look_into(_: &OwnedFd, status: &Status, _: impl FnMut(Extent)) -> Result<Holding> {
    Ok(Holding::unsure(status.on_disk()))
}
