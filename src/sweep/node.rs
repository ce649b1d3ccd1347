//! A directory of a tree that is being removed that stays open while other threads remove what is in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::files::Files;
use super::target::{Rest, Shell, Target};
use super::tree::{Ending, Tree};
use crate::fs::{Directory, NameList, Permit};

/// Such a directory. Its fields are dropped in this order: it is closed before the permit is given
/// back.
pub struct Node<'s> {
    pub parent: Option<Arc<Node<'s>>>,
    directory: Directory,
    _permit: Permit<'s>,
    shell: Shell,
    /// The directories in it.
    pub children: NameList,
    /// Children that are not finished, and its files, if they are not.
    unfinished: AtomicUsize,
    /// Whether something in it is to stay, or could not be removed.
    kept: AtomicBool,
}

/// The directory in which the children of `node` lie; for no node, that in which the tree lies.
pub fn holder<'n>(tree: &'n Tree<'_>, node: Option<&'n Node<'_>>) -> &'n Directory {
    node.map_or_else(|| tree.folder(), |node| &node.directory)
}

impl<'s> Node<'s> {
    /// A directory whose files have been removed, or taken out of `rest` to be removed later, as one more child.
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

    /// Removes files that have been taken out of it.
    pub fn remove(&self, tree: &Tree<'_>, files: Files) -> Ending {
        files.remove(tree, &self.directory).ending
    }

    /// Notes how a child has ended. Whether this was the last one: the thread that is told so sees what
    /// all the others have noted.
    pub fn finish_one(&self, ending: Ending) -> bool {
        if ending == Ending::Kept {
            self.kept.store(true, Ordering::Relaxed);
        }
        self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Removes the directory, now that everything in it is finished.
    pub fn close(&self, tree: &Tree<'_>) -> Result<Ending, Target> {
        let content =
            if self.kept.load(Ordering::Relaxed) { Ending::Kept } else { Ending::Removed };
        self.shell.clone().remove(tree, holder(tree, self.parent.as_deref()), content)
    }
}

/// One after the other. Left to themselves, the nodes above would each be dropped by the one
/// below, and how deep that goes is not for a stack to bear.
impl Drop for Node<'_> {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut node) = above.and_then(Arc::into_inner) {
            above = node.parent.take();
        }
    }
}
