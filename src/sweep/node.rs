//! An open directory of a tree being removed, while other threads remove its contents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::files::Files;
use super::target::{Rest, Shell, Target};
use super::tree::{Ending, Tree};
use crate::fs::{Directory, NameList, Permit};

/// An open directory of a tree being removed. Its fields are dropped in order: the directory is
/// closed before the permit is returned.
pub struct Node<'s> {
    pub parent: Option<Arc<Node<'s>>>,
    directory: Directory,
    _permit: Permit<'s>,
    shell: Shell,
    /// Its subdirectories.
    pub children: NameList,
    /// The number of unfinished children; its files count as one.
    unfinished: AtomicUsize,
    /// Whether anything in it was kept or could not be removed.
    kept: AtomicBool,
}

/// The directory that contains the children of `node`; for `None`, the one that contains the tree.
pub fn holder<'n>(tree: &'n Tree<'_>, node: Option<&'n Node<'_>>) -> &'n Directory {
    node.map_or_else(|| tree.folder(), |node| &node.directory)
}

impl<'s> Node<'s> {
    /// A directory whose files have been removed, or taken out of `rest` to be removed later. These
    /// count as one more child.
    pub fn new(parent: Option<Arc<Self>>, rest: Rest, has_files: bool, permit: Permit<'s>) -> Self {
        Self {
            parent,
            directory: rest.directory,
            _permit: permit,
            shell: rest.shell,
            unfinished: AtomicUsize::new(rest.children.len() + usize::from(has_files)),
            children: rest.children,
            kept: AtomicBool::new(rest.ending == Ending::Kept),
        }
    }

    /// Removes files that were taken out of this directory.
    pub fn remove(&self, tree: &Tree<'_>, files: Files) -> Ending {
        files.remove(tree, &self.directory).ending
    }

    /// Records the result of a child, and returns whether it was the last one. The thread of the
    /// last child sees the results of all others.
    pub fn finish_one(&self, ending: Ending) -> bool {
        if ending == Ending::Kept {
            self.kept.store(true, Ordering::Relaxed);
        }
        self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Removes the directory after everything in it is finished.
    pub fn close(&self, tree: &Tree<'_>) -> Result<Ending, Target> {
        let content =
            if self.kept.load(Ordering::Relaxed) { Ending::Kept } else { Ending::Removed };
        self.shell.clone().remove(tree, holder(tree, self.parent.as_deref()), content)
    }
}

/// Drops the chain iteratively: a recursive drop could overflow the stack in a deep tree.
impl Drop for Node<'_> {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut node) = above.and_then(Arc::into_inner) {
            above = node.parent.take();
        }
    }
}
