//! A tree outside of the image cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::EntryName;
use crate::fs::Directory;

/// A file or directory outside of the image cache, in an open directory.
#[derive(Clone, Debug)]
pub struct OutsideTree {
    pub(crate) folder: Arc<Directory>,
    pub(crate) name: EntryName,
    pub(crate) path: PathBuf,
}

impl OutsideTree {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
