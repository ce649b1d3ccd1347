//! A cache, held open, and its folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::location::Folder;
use super::vm_clones::VmClones;
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, VolumeKind};

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
    vm_clones: Option<VmClones>,
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
            Ok(root) => Ok(Some(Self { path, root, vm_clones: VmClones::of_user() })),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(Error::io("open the cache directory", path, cause)),
        }
    }

    /// Looks for clones of its images there, and not where Brood Box keeps them for this user.
    pub fn with_vm_clones(self, vm_clones: VmClones) -> Self {
        Self { vm_clones: Some(vm_clones), ..self }
    }

    /// The clones of images that microVMs run in.
    pub(crate) fn vm_clones(&self) -> Option<&VmClones> {
        self.vm_clones.as_ref()
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

    /// The directory in which a location's name lies, opened anew: the owner may have removed and
    /// made it again. `None` if there is none.
    pub(crate) fn folder(&self, folder: Folder) -> Result<Option<Directory>> {
        self.try_folder(folder).context("open", folder.path_in(&self.path))
    }

    pub(super) fn try_folder(&self, folder: Folder) -> rustix::io::Result<Option<Directory>> {
        let name = match folder {
            Folder::Root => c".",
            Folder::Layers => c"layers",
            Folder::Refs => c"refs",
        };
        match self.root.open_folder(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT) => Ok(None),
            // A symlink or a file is not part of the cache. Refs behind a symlink are another matter: the
            // owner of the cache would follow it.
            Err(Errno::NOTDIR | Errno::LOOP) if folder == Folder::Layers => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// The cache directory itself.
    pub(crate) fn root(&self) -> &Directory {
        &self.root
    }

    /// Whether files can share data where the cache lies: on btrfs, XFS, APFS, and wherever it is not known that they
    /// cannot, such as on an overlay.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn can_share_data(&self) -> Result<bool> {
        Ok(self.volume_kind()?.is_some())
    }

    /// The kind of the file system where the cache lies, if files can share data there.
    pub(crate) fn volume_kind(&self) -> Result<Option<VolumeKind>> {
        let volume = self.root.volume().context("find the file system of", &self.path)?;
        Ok(volume.map(|volume| volume.kind))
    }
}

/// Each folder that is there, or why it cannot be opened.
#[derive(Debug)]
pub(crate) struct Folders([rustix::io::Result<Option<Arc<Directory>>>; 3]);

impl Folders {
    /// Opens all of them, as they are now: the owner may have removed and made them again since
    /// they were listed.
    pub fn open(cache: &Cache) -> Self {
        let folders = [Folder::Root, Folder::Layers, Folder::Refs];
        Self(folders.map(|folder| Ok(cache.try_folder(folder)?.map(Arc::new))))
    }

    /// The folder; `Ok(None)` if there is none.
    pub fn get(&self, folder: Folder) -> rustix::io::Result<Option<&Arc<Directory>>> {
        self.0[folder as usize].as_ref().map(Option::as_ref).map_err(|cause| *cause)
    }
}
