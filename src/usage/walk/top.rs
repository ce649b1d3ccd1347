//! The top of a tree that is to be walked.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::{Cache, EntryName, Folders, Location, OutsideTree};
use crate::fs::Directory;

/// Where a tree lies, and what it is called there.
pub(in crate::usage) struct Top<'a> {
    pub folder: rustix::io::Result<Option<&'a Arc<Directory>>>,
    pub name: &'a EntryName,
    pub path: PathBuf,
}

impl<'a> Top<'a> {
    pub fn new(cache: &Cache, folders: &'a Folders, at: &'a Location) -> Self {
        let path = at.path_in(cache.path());
        Self { folder: folders.get(at.folder), name: &at.name, path }
    }

    pub fn outside(tree: &'a OutsideTree) -> Self {
        Self { folder: Ok(Some(&tree.folder)), name: &tree.name, path: tree.path.clone() }
    }
}
