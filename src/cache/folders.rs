//! The folders of a cache, open at once for a job on many of their entries.

use std::sync::Arc;

use super::{Cache, Folder};
use crate::directory::Directory;

/// Each folder that is there.
#[derive(Debug)]
pub(crate) struct Folders([Option<Arc<Directory>>; 3]);

impl Folders {
    /// Opens all of them, as they are now: the owner may have removed and made them again since
    /// they were listed. A folder that cannot be opened is like one that is gone; the inventory
    /// has reported it, and names no entry in it.
    pub fn open(cache: &Cache) -> Self {
        let folders = [Folder::Root, Folder::Layers, Folder::Refs];
        Self(folders.map(|folder| cache.folder(folder).ok().flatten().map(Arc::new)))
    }

    /// The folder, if it is there.
    pub fn get(&self, folder: Folder) -> Option<&Arc<Directory>> {
        self.0[folder as usize].as_ref()
    }
}
