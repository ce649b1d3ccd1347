//! One collector at a time.
//!
//! The lock is a `flock` on the cache directory's own descriptor: nothing is written that the
//! owner of the cache could sweep away, and the kernel lets go of it when the process ends,
//! however it ends. The owner takes no lock; this one keeps collectors from each other only.

use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::Cache;
use super::users::{User, lock_holder};
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, LockAnswer, LockKind};
use crate::stop::StopFlag;

/// How often a waiting collector asks again.
const POLL: Duration = Duration::from_millis(50);

/// The right to change a cache, from [`Cache::lock`]; let go when dropped.
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

/// What to do while another process collects the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Patience {
    /// Wait until it has ended.
    Wait,
    /// Give up with [`Error::Busy`].
    GiveUp,
}

impl Cache {
    /// Opens the cache directory `path` and takes its lock, as [`Cache::lock`] does. `None` if
    /// there is no such directory, or none any more.
    ///
    /// # Errors
    /// As for [`Cache::open`] and [`Cache::lock`].
    pub fn open_locked(
        path: &Path,
        stop: &StopFlag,
        busy: impl Fn(Option<&User>) -> Patience,
    ) -> Result<Option<(Self, CacheLock)>> {
        while let Some(cache) = Self::open(path)? {
            let lock = cache.lock(stop, &busy)?;
            if cache.is_at(path)? {
                return Ok(Some((cache, lock)));
            }
            if stop.is_raised() {
                return Err(Error::Interrupted);
            }
        }
        Ok(None)
    }

    /// Whether the path leads here still. Whoever was waited for may have removed the directory,
    /// and its owner made it again.
    fn is_at(&self, path: &Path) -> Result<bool> {
        let held = self.root.status().context("look at", path)?;
        match Directory::open(path).and_then(|there| there.status()) {
            Ok(there) => Ok(there.inode == held.inode),
            Err(Errno::NOENT) => Ok(false),
            Err(cause) => Err(Error::io("look at", path, cause)),
        }
    }

    /// Takes the right to change this cache. If another process has it, `busy` is asked once what
    /// to do, and told which process that is, where the system tells.
    ///
    /// # Errors
    /// [`Error::Busy`] if `busy` wants to give up; or `stop` was raised, or the system refused.
    pub fn lock(
        &self,
        stop: &StopFlag,
        busy: impl FnOnce(Option<&User>) -> Patience,
    ) -> Result<CacheLock> {
        // A description of its own: the lock ends with it, not with the cache.
        let directory = self.root.open_folder(c".").context("open", &self.path)?;
        let mut busy = Some(busy);
        loop {
            match directory.try_lock(LockKind::Exclusive).context("lock", &self.path)? {
                LockAnswer::Granted => return Ok(CacheLock { held: Some(directory) }),
                LockAnswer::Unsupported => return Ok(CacheLock { held: None }),
                LockAnswer::Taken if stop.is_raised() => return Err(Error::Interrupted),
                LockAnswer::Taken => {}
            }
            if let Some(busy) = busy.take() {
                let holder = lock_holder(&directory);
                if busy(holder.as_ref()) == Patience::GiveUp {
                    let holder = User::describe(holder.as_ref());
                    return Err(Error::Busy { path: self.path.clone(), holder });
                }
            }
            std::thread::sleep(POLL);
        }
    }
}
