//! An open cache and its folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::location::Folder;
use super::vm_clones::VmClones;
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, VolumeKind};

/// An open image cache.
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
    /// Opens the cache directory `path`. `None` if it does not exist: Brood Box creates it with the
    /// first pull.
    ///
    /// # Errors
    /// It is not a directory, or may not be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Option<Self>> {
        let path = path.into();
        match Directory::open(&path) {
            Ok(root) => Ok(Some(Self { path, root, vm_clones: VmClones::of_user() })),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(Error::io("open the cache directory", path, cause)),
        }
    }

    /// Looks for clones of its images there instead of where Brood Box keeps them for this user.
    pub fn with_vm_clones(self, vm_clones: VmClones) -> Self {
        Self { vm_clones: Some(vm_clones), ..self }
    }

    /// The clones of images that microVMs run in.
    pub(crate) fn vm_clones(&self) -> Option<&VmClones> {
        self.vm_clones.as_ref()
    }

    /// The path that it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the cache directory is completely empty.
    ///
    /// # Errors
    /// The cache directory cannot be listed.
    pub fn is_empty(&self) -> Result<bool> {
        let mut is_empty = true;
        let root = self.root.open_folder(c".").context("open", &self.path)?;
        root.for_each(|_, _| is_empty = false).context("list", &self.path)?;
        Ok(is_empty)
    }

    /// Opens a folder of the cache. `None` if it does not exist. Every call opens it anew, because
    /// the owner may have removed and recreated it.
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
            // A symlink or a file is not part of the cache. Refs behind a symlink are different,
            // because the owner of the cache would follow it.
            Err(Errno::NOTDIR | Errno::LOOP) if folder == Folder::Layers => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// The cache directory itself.
    pub(crate) fn root(&self) -> &Directory {
        &self.root
    }

    /// Whether files can share data on the cache's file system: `true` on btrfs, XFS with reflinks
    /// and APFS, and also wherever sharing cannot be ruled out, such as on an overlay.
    ///
    /// # Errors
    /// The system does not report it.
    pub fn can_share_data(&self) -> Result<bool> {
        Ok(self.volume_kind()?.is_some())
    }

    /// The kind of the cache's file system. `None` if files cannot share data on it.
    pub(crate) fn volume_kind(&self) -> Result<Option<VolumeKind>> {
        let volume = self.root.volume().context("determine the file system of", &self.path)?;
        Ok(volume.map(|volume| volume.kind))
    }
}

/// The cache's folders, or the reason why one cannot be opened.
#[derive(Debug)]
pub(crate) struct Folders([rustix::io::Result<Option<Arc<Directory>>>; 3]);

impl Folders {
    /// Opens all of them as they are now. The owner may have removed and recreated them since they
    /// were listed.
    pub fn open(cache: &Cache) -> Self {
        let folders = [Folder::Root, Folder::Layers, Folder::Refs];
        Self(folders.map(|folder| Ok(cache.try_folder(folder)?.map(Arc::new))))
    }

    /// The open folder. `Ok(None)` if it does not exist.
    pub fn get(&self, folder: Folder) -> rustix::io::Result<Option<&Arc<Directory>>> {
        self.0[folder as usize].as_ref().map(Option::as_ref).map_err(|cause| *cause)
    }
}
