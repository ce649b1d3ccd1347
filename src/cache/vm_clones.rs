//! The root file systems of microVMs, cloned from images in the cache.
//!
//! Brood Box gives each microVM a clone of its image, in
//! `~/.config/broodbox/vms/<name>/data/rootfs-work`. If files can share data, the clone shares that
//! of its image, so removing the image frees less as long as the clone exists. Clones are read,
//! never changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beside::OutsideTree;
use super::entry_name::EntryName;
use crate::fs::Directory;

/// Where a user's clones are, for
/// [`Meter::find_outside_holders`](crate::usage::Meter::find_outside_holders).
#[derive(Clone, Debug)]
pub struct VmClones {
    vms: PathBuf,
}

impl VmClones {
    /// Clones in `vms`, which has one directory per microVM. It need not exist.
    pub fn below(vms: impl Into<PathBuf>) -> Self {
        Self { vms: vms.into() }
    }

    /// Brood Box's directory of microVMs for this user: `~/.config/broodbox/vms` on every system,
    /// whatever the XDG variables are. `None` if there is no home directory.
    pub fn of_user() -> Option<Self> {
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some(Self::below(home.join(".config/broodbox/vms")))
    }

    /// The directory that they lie in.
    pub fn path(&self) -> &Path {
        &self.vms
    }

    /// All clones that can be opened, one at a time. A clone that cannot be opened may share any
    /// extent, like any file outside the cache.
    pub(crate) fn list(&self) -> impl Iterator<Item = OutsideTree> {
        let vms = Directory::open(&self.vms).ok();
        let mut names = Vec::new();
        if let Some(vms) = &vms {
            // Unlisted clones count like unreadable ones: as unknown files.
            let _ = vms.for_each(|name, _| names.push(EntryName::from(name)));
        }
        names.into_iter().filter_map(move |vm| open(vms.as_ref()?, &self.vms, &vm))
    }
}

/// The root file system of one clone.
fn open(vms: &Directory, path: &Path, vm: &EntryName) -> Option<OutsideTree> {
    let data = vms.open_folder(vm.as_c_str()).ok()?.open_folder(c"data").ok()?;
    let name = EntryName::from(c"rootfs-work");
    let path = path.join(vm.as_os_str()).join("data").join(name.as_os_str());
    Some(OutsideTree { folder: Arc::new(data), name, path })
}
