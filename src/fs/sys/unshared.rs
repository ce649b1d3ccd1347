//! Systems that do not tell what files share.

use std::os::fd::OwnedFd;

use rustix::io::Result;

use crate::fs::{Extent, Holding, Status, Volume};

/// None is known to.
pub fn queues_removals(_: &OwnedFd) -> bool {
    false
}

pub fn volume(_: &OwnedFd) -> Result<Option<Volume>> {
    Ok(None)
}

/// Never called, since there is no volume.
pub fn look_into(_: &OwnedFd, status: &Status, _: impl FnMut(Extent)) -> Result<Holding> {
    Ok(Holding::unsure(status.on_disk()))
}
