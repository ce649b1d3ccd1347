//! One collector at a time.
//!
//! The lock is a `flock` on the cache directory's own descriptor: nothing is written that the
//! owner of the cache could sweep away, and the kernel lets go of it when the process ends,
//! however it ends. The owner takes no lock; this one keeps collectors from each other only.

use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::Cache;
use crate::directory::Directory;
use crate::error::{Context, Error, Result};
use crate::stop::StopFlag;

/// How often a waiting collector asks again.
const POLL: Duration = Duration::from_millis(50);

/// The right to change a cache; let go when dropped.
#[derive(Debug)]
pub struct CacheLock {
    /// `None` where the file system knows no locks.
    held: Option<Directory>,
}

impl CacheLock {
    /// Whether the file system knows locks at all. If not, nothing keeps a second collector away.
    pub fn is_effective(&self) -> bool {
        self.held.is_some()
    }
}

impl Cache {
    /// Opens the cache directory `path` and waits until no other process collects it. `None` if
    /// there is no such directory, or none any more.
    ///
    /// # Errors
    /// As for [`Cache::open`] and [`Cache::lock`].
    pub fn open_locked(
        path: &Path,
        stop: &StopFlag,
        busy: impl Fn(),
    ) -> Result<Option<(Self, CacheLock)>> {
        while let Some(cache) = Self::open(path)? {
            let lock = cache.lock(stop, &busy)?;
            // Whoever was waited for may have removed the directory, and its owner made it again.
            let (held, there) = (cache.root.status(), Directory::open(path));
            let there = there.and_then(|directory| directory.status());
            if matches!((held, there), (Ok(held), Ok(there)) if held.inode == there.inode) {
                return Ok(Some((cache, lock)));
            }
        }
        Ok(None)
    }

    /// Waits until no other process collects this cache. `busy` is called once, when it turns out
    /// that one does.
    ///
    /// # Errors
    /// `stop` was raised, or the system refused.
    pub fn lock(&self, stop: &StopFlag, busy: impl FnOnce()) -> Result<CacheLock> {
        // A description of its own: the lock ends with it, not with the cache.
        let directory = self.root.open_folder(c".").context("open", &self.path)?;
        let mut busy = Some(busy);
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(CacheLock { held: Some(directory) }),
                Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => {
                    return Ok(CacheLock { held: None });
                }
                Err(Errno::WOULDBLOCK) if stop.is_raised() => return Err(Error::Interrupted),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    if let Some(busy) = busy.take() {
                        busy();
                    }
                    std::thread::sleep(POLL);
                }
                Err(cause) => return Err(Error::io("lock", &self.path, cause)),
            }
        }
    }
}
