//! The root file systems of microVMs, cloned from images of the cache.
//!
//! Brood Box gives each microVM a clone of its image, in `~/.config/broodbox/vms/<name>/data/rootfs-work`. Where files can share data, a clone holds the data of its image: as long
//! as it is there, removing the image gives back less. The clones are looked at, never touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beside::OutsideTree;
use super::entry_name::EntryName;
use crate::fs::Directory;

/// Where the clones of a user lie, for [`Meter::find_outside_holders`](crate::usage::Meter::find_outside_holders).
#[derive(Clone, Debug)]
pub struct VmClones {
    vms: PathBuf,
}

impl VmClones {
    /// Those in `vms`, a directory each. It need not be there.
    pub fn below(vms: impl Into<PathBuf>) -> Self {
        Self { vms: vms.into() }
    }

    /// Where Brood Box keeps them for this user: `~/.config/broodbox/vms` on every system, whatever the XDG variables
    /// say. `None` if there is no home directory.
    pub fn of_user() -> Option<Self> {
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some(Self::below(home.join(".config/broodbox/vms")))
    }

    /// The directory that they lie in.
    pub fn path(&self) -> &Path {
        &self.vms
    }

    /// All that can be opened, one at a time. A clone that cannot be opened may share any extent, like any file
    /// outside the cache.
    pub(crate) fn list(&self) -> impl Iterator<Item = OutsideTree> {
        let vms = Directory::open(&self.vms).ok();
        let mut names = Vec::new();
        if let Some(vms) = &vms {
            // As above: a clone that is not listed is like any unknown file.
            let _ = vms.for_each(|name, _| names.push(EntryName::from(name)));
        }
        names.into_iter().filter_map(move |vm| open(vms.as_ref()?, &self.vms, &vm))
    }
}

/// One clone's root file system.
fn open(vms: &Directory, path: &Path, vm: &EntryName) -> Option<OutsideTree> {
    let data = vms.open_folder(vm.as_c_str()).ok()?.open_folder(c"data").ok()?;
    let name = EntryName::from(c"rootfs-work");
    let path = path.join(vm.as_os_str()).join("data").join(name.as_os_str());
    Some(OutsideTree { folder: Arc::new(data), name, path })
}
