//! One collector at a time.
//!
//! The lock is a `flock` on the cache directory's own descriptor: nothing is written that the
//! owner of the cache could sweep away, and the kernel lets go of it when the process ends,
//! however it ends. The owner takes no lock; this one keeps collectors from each other only.

use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::handle::Cache;
use super::in_use::{UsingProcess, lock_holder};
use super::vm_clones::VmClones;
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, LockAnswer, LockKind};
use crate::stop::StopFlag;

/// How often a waiting collector asks again.
const POLL: Duration = Duration::from_millis(50);

/// How often the directory may be another one by the time that its lock is held.
const MOST_REPLACED: u32 = 100;

/// A cache and the right to change it, which ends when this is dropped.
///
/// Every function that changes a cache takes this, so it cannot be called without a lock or with that of
/// another cache:
///
/// ```compile_fail,E0308
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bbox_cache::cache::Cache;
///
/// let cache = Cache::open("/srv/images")?.unwrap();
/// bbox_cache::sweep::remove_folders(&cache)?; // expects a `LockedCache`
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LockedCache {
    cache: Cache,
    /// `None` where the file system knows no locks.
    held: Option<Directory>,
}

impl LockedCache {
    /// Whether the file system knows locks at all. If not, nothing keeps a second collector away.
    pub fn is_lock_effective(&self) -> bool {
        self.held.is_some()
    }
}

impl LockedCache {
    /// As [`Cache::with_vm_clones`].
    pub fn with_vm_clones(self, vm_clones: VmClones) -> Self {
        Self { cache: self.cache.with_vm_clones(vm_clones), ..self }
    }
}

impl Deref for LockedCache {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.cache
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
        busy: impl Fn(Option<&UsingProcess>) -> Patience,
    ) -> Result<Option<LockedCache>> {
        for _ in 0..MOST_REPLACED {
            let Some(cache) = Self::open(path)? else { return Ok(None) };
            let locked = cache.lock(stop, &busy)?;
            if locked.is_at(path)? {
                return Ok(Some(locked));
            }
            if stop.is_raised() {
                return Err(Error::Interrupted);
            }
        }
        let cause = std::io::Error::other("it is replaced again and again");
        Err(Error::io("lock", path, cause))
    }

    /// Whether the path leads here still. The process that held the lock may have removed the directory,
    /// and its owner made it again.
    fn is_at(&self, path: &Path) -> Result<bool> {
        match self.root().is_found_by(|| Directory::open(path)?.status()) {
            Ok(is_same) => Ok(is_same),
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
        self,
        stop: &StopFlag,
        busy: impl FnOnce(Option<&UsingProcess>) -> Patience,
    ) -> Result<LockedCache> {
        // A description of its own: the lock ends with it, not with the cache.
        let directory = self.root().open_folder(c".").context("open", self.path())?;
        let mut busy = Some(busy);
        loop {
            match directory.try_lock(LockKind::Exclusive).context("lock", self.path())? {
                LockAnswer::Granted => {
                    return Ok(LockedCache { cache: self, held: Some(directory) });
                }
                LockAnswer::Unsupported => return Ok(LockedCache { cache: self, held: None }),
                LockAnswer::Taken if stop.is_raised() => return Err(Error::Interrupted),
                LockAnswer::Taken => {}
            }
            if let Some(busy) = busy.take() {
                let holder = directory.status().ok().and_then(|status| lock_holder(status.inode));
                if busy(holder.as_ref()) == Patience::GiveUp {
                    let holder = UsingProcess::describe(holder.as_ref());
                    return Err(Error::Busy { path: self.path().to_owned(), holder });
                }
            }
            std::thread::sleep(POLL);
        }
    }
}
