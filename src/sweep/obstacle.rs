//! Why one item could not be taken a step further.

use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::outcome::RemovalResult;
use super::remedy::explain;
use crate::cache::{Cache, EntryName, Location};
use crate::error::Error;
use crate::error::Problems;

/// What was tried with an entry, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Obstacle {
    /// A verb that fits behind "cannot".
    pub operation: &'static str,
    pub cause: Errno,
}

impl Obstacle {
    /// Whether there is something else in the way than a lack of space.
    pub fn is_full_disk(self) -> bool {
        matches!(self.cause, Errno::NOSPC | Errno::DQUOT)
    }

    /// What this makes of the item at `location`, which is called `name` now.
    pub fn fate(self, cache: &Cache, location: &Location, name: &EntryName) -> RemovalResult {
        // Gone, or something else by now: then it is a stranger, and not ours to remove.
        if matches!(self.cause, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) {
            return RemovalResult::Gone;
        }
        let source = match cache.folder(location.folder) {
            Ok(Some(folder)) => explain(&folder, name.as_c_str(), self.cause),
            // The cause alone has to do.
            _ => self.cause.into(),
        };
        let path = location.folder.path_in(cache.path()).join(name.as_os_str());
        let mut problems = Problems::default();
        problems.push(Error::io(self.operation, path, source));
        RemovalResult::Failed { freed: ByteSize::b(0), problems: Arc::new(problems) }
    }
}

/// Gives an error number its operation.
pub(super) trait Attempt<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle>;
}

impl<T> Attempt<T> for rustix::io::Result<T> {
    fn attempt(self, operation: &'static str) -> Result<T, Obstacle> {
        self.map_err(|cause| Obstacle { operation, cause })
    }
}
