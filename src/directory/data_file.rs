//! A file, open to see what it holds. Nothing is read from it.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Result;

use super::patience::patiently;
use super::{Extent, Holding, Status, blocks, system};

/// Neither follows a symlink nor waits for the other end of a FIFO that has taken the file's place.
pub(super) const OPEN: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Such a file.
#[derive(Debug)]
pub struct DataFile(pub(super) OwnedFd);

impl DataFile {
    /// Opens by path, for those who have nothing else.
    pub fn open(path: &Path) -> Result<Self> {
        patiently(|| rustix::fs::open(path, OPEN, Mode::empty())).map(Self)
    }

    /// The file's status.
    pub fn status(&self) -> Result<Status> {
        system::status(&self.0)
    }

    /// What of the blocks that `status` counts does not surely come back with the file. Calls
    /// `each` with the extents that it shares.
    pub fn look_into(&self, status: &Status, each: impl FnMut(Extent)) -> Result<Holding> {
        blocks::look_into(&self.0, status, each)
    }
}
