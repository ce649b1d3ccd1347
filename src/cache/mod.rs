//! The cache as it lies on disk.
//!
//! A [`Cache`] is an open directory. Everything in it is reached from there, one name at a time,
//! so that nothing outside it can be touched whatever lies in it; the directory itself may be
//! reached through a symlink, since people put their caches on bigger disks.
//!
//! Brood Box writes the cache and takes no lock while it does; everything read here is a look at
//! something that may change at once.

mod config;
mod digest;
mod entry_name;
mod find;
mod folders;
mod in_use;
mod inventory;
mod lease;
mod lifetimes;
mod location;
mod lock;
mod mounts;
mod path_lookup;
mod ref_file;
mod refs;
#[cfg(test)]
mod refs_tests;
mod refusals;
mod room;
mod trash_name;
mod vm_clones;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::fs::Directory;
use crate::stop::StopFlag;

pub(crate) use config::CONFIG_FILE;
pub use config::ImageConfig;
pub use digest::Digest;
pub use entry_name::EntryName;
pub use find::Lookup;
pub(crate) use folders::Folders;
pub use in_use::{InUse, UsingProcess};
pub use inventory::{Entry, EntryKind, Inventory, Leftover};
pub(crate) use lease::Claim;
pub use lease::{Lease, Leases};
#[cfg(test)]
pub(crate) use lifetimes::ConfigTimes;
pub use lifetimes::Lifetimes;
pub(crate) use lifetimes::{ImageTimes, LayerTimes};
pub use location::{Folder, Location, default_directory};
pub use lock::{LockedCache, Patience};
pub use mounts::Mounts;
pub(crate) use ref_file::SETTLED_AGE;
pub use refs::{InvalidRef, Ref, RefIndex, RefProblem, UnreadableRef};
pub use refusals::{Refusal, RefusalCause, Refusals};
pub(crate) use trash_name::{TRASH_PREFIX, TrashStage, former_ref_file};
pub use vm_clones::VmClones;

/// How long to wait before a cache that is being written is looked at again.
const SETTLE_STEP: Duration = Duration::from_millis(50);

/// An image cache, held open.
///
/// ```
/// use bbox_cache::cache::{Cache, default_directory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # std::fs::create_dir(home.path().join("sha256-8432e34e7c77"))?;
/// let directory = default_directory().ok_or("there is no home directory")?;
/// # let directory = home.path();
/// if let Some(cache) = Cache::open(directory)? {
///     for (image, digest) in cache.inventory()?.images() {
///         println!("{digest} was last used at {}", image.last_used);
/// #       assert_eq!(digest.to_text(), "sha256:8432e34e7c77");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    root: Directory,
}

impl Cache {
    /// Opens the cache directory `path`. `None` if there is none yet: its owner makes it with the
    /// first pull.
    ///
    /// # Errors
    /// It is no directory, or may not be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Option<Self>> {
        let path = path.into();
        match Directory::open(&path) {
            Ok(root) => Ok(Some(Self { path, root })),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(Error::io("open the cache directory", path, cause)),
        }
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing at all lies in the cache directory.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn is_empty(&self) -> Result<bool> {
        let mut is_empty = true;
        let root = self.root.open_folder(c".").context("open", &self.path)?;
        root.for_each(|_, _| is_empty = false).context("list", &self.path)?;
        Ok(is_empty)
    }

    /// Looks at everything that lies in the cache: one call a name, no tree is walked. Waits up to
    /// half a second for refs that are being written.
    ///
    /// # Errors
    /// The cache directory cannot be listed. What else cannot be read is in the inventory's own
    /// lists.
    pub fn inventory(&self) -> Result<Inventory> {
        Inventory::read(self, refs::SETTLE_TIME)
    }

    /// The same at once, with every ref as it stands: for whoever only wants names.
    ///
    /// # Errors
    /// As for [`Cache::inventory`].
    pub fn inventory_now(&self) -> Result<Inventory> {
        Inventory::read(self, Duration::ZERO)
    }

    /// The same for whoever is about to remove something: waits up to two seconds for an image
    /// whose ref is perhaps being written.
    ///
    /// # Errors
    /// As for [`Cache::inventory`], or `stop` was raised.
    pub fn settled_inventory(&self, stop: &StopFlag) -> Result<Inventory> {
        let deadline = Instant::now() + SETTLED_AGE;
        loop {
            if stop.is_raised() {
                return Err(Error::Interrupted);
            }
            let inventory = self.inventory()?;
            if Instant::now() >= deadline || !inventory.is_unsettled(Timestamp::now()) {
                return Ok(inventory);
            }
            std::thread::sleep(SETTLE_STEP);
        }
    }

    /// Reads all refs, waiting up to half a second for refs that are being written. Whatever
    /// cannot be read, be it `refs` itself, is in the index's list of what is unreadable.
    pub fn refs(&self) -> RefIndex {
        self.refs_with(refs::SETTLE_TIME)
    }

    /// The same at once, with every ref as it stands.
    pub(crate) fn refs_now(&self) -> RefIndex {
        self.refs_with(Duration::ZERO)
    }

    fn refs_with(&self, patience: Duration) -> RefIndex {
        match self.folder(Folder::Refs) {
            Ok(Some(refs)) => RefIndex::read(&refs, &Folder::Refs.path_in(&self.path), patience),
            Ok(None) => RefIndex::default(),
            Err(problem) => RefIndex::unreadable(problem),
        }
    }

    /// When `refs` was made. That it cannot be asked is reported with the refs themselves.
    fn index_born(&self) -> Option<Timestamp> {
        self.try_folder(Folder::Refs).ok()??.born(c".").ok()?
    }

    /// The directory in which a location's name lies, opened anew: the owner may have removed and
    /// made it again. `None` if there is none.
    pub(crate) fn folder(&self, folder: Folder) -> Result<Option<Directory>> {
        self.try_folder(folder).context("open", folder.path_in(&self.path))
    }

    fn try_folder(&self, folder: Folder) -> rustix::io::Result<Option<Directory>> {
        let name = match folder {
            Folder::Root => c".",
            Folder::Layers => c"layers",
            Folder::Refs => c"refs",
        };
        match self.root.open_folder(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT) => Ok(None),
            // A symlink or a file is a stranger. Refs behind a symlink are another matter: the
            // owner of the cache would follow it.
            Err(Errno::NOTDIR | Errno::LOOP) if folder == Folder::Layers => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// The cache directory itself.
    pub(crate) fn root(&self) -> &Directory {
        &self.root
    }
}
