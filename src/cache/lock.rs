//! Only one gc at a time.
//!
//! The lock is a `flock` on the cache directory's own descriptor. No file is written that the owner
//! of the cache could clean up, and the kernel releases the lock when the process ends for any
//! reason. The owner itself takes no lock, so this one only separates gc runs from each other.

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

/// How often a waiting gc tries again.
const POLL: Duration = Duration::from_millis(50);

/// How many times in a row the directory may have been replaced by the time it is locked.
const MOST_REPLACED: u32 = 100;

/// A cache with the right to change it. Dropping it releases the lock.
///
/// Every function that changes a cache takes this type, so it cannot be called without a lock, or
/// with the lock of another cache:
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
    /// `None` if the file system does not support locks.
    held: Option<Directory>,
}

impl LockedCache {
    /// Whether the file system supports locks. If not, nothing prevents a second gc.
    pub fn is_lock_effective(&self) -> bool {
        self.held.is_some()
    }
}

impl LockedCache {
    /// Looks for clones of its images there instead of where Brood Box keeps them for this user.
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

/// What to do while another gc is running on the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Patience {
    /// Wait until it has finished.
    Wait,
    /// Give up with [`Error::Busy`].
    GiveUp,
}

impl Cache {
    /// Opens the cache directory `path` and locks it like [`Cache::lock`]. `None` if the directory
    /// does not exist or has been removed in the meantime.
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
        let cause = std::io::Error::other("the directory keeps being replaced");
        Err(Error::io("lock", path, cause))
    }

    /// Whether the path still leads here. The process that held the lock may have removed the
    /// directory, and its owner recreated it.
    fn is_at(&self, path: &Path) -> Result<bool> {
        match self.root().is_found_by(|| Directory::open(path)?.status()) {
            Ok(is_same) => Ok(is_same),
            Err(Errno::NOENT) => Ok(false),
            Err(cause) => Err(Error::io("read the status of", path, cause)),
        }
    }

    /// Locks this cache for changes. If another process has locked it, calls `busy` once to decide
    /// what to do. Its argument is that process, if the system reports it.
    ///
    /// # Errors
    /// [`Error::Busy`] if `busy` gives up, [`Error::Interrupted`] if `stop` is raised, or an I/O
    /// error.
    pub fn lock(
        self,
        stop: &StopFlag,
        busy: impl FnOnce(Option<&UsingProcess>) -> Patience,
    ) -> Result<LockedCache> {
        // A file description of its own, so that the lock ends with it and not with the cache.
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
