//! The folders of a cache, open at once for a job on many of their entries.

use std::sync::Arc;

use rustix::io::Result;

use super::{Cache, Folder};
use crate::fs::Directory;

/// Each folder that is there, or why it cannot be opened.
#[derive(Debug)]
pub(crate) struct Folders([Result<Option<Arc<Directory>>>; 3]);

impl Folders {
    /// Opens all of them, as they are now: the owner may have removed and made them again since
    /// they were listed.
    pub fn open(cache: &Cache) -> Self {
        let folders = [Folder::Root, Folder::Layers, Folder::Refs];
        Self(folders.map(|folder| Ok(cache.try_folder(folder)?.map(Arc::new))))
    }

    /// The folder; `Ok(None)` if there is none.
    pub fn get(&self, folder: Folder) -> Result<Option<&Arc<Directory>>> {
        self.0[folder as usize].as_ref().map(Option::as_ref).map_err(|cause| *cause)
    }
}
