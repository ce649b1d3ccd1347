//! One directory of a doomed tree while it is emptied.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use bytesize::ByteSize;
use rustix::io::Errno;

use super::tree::{Ending, Tree};
use crate::directory::{Directory, Status};
use crate::usage::Usage;

/// How often a directory is listed again because it was not empty after all. Some file systems
/// pass over entries while others are removed, and somebody may still be writing to it.
const MAX_PASSES: u32 = 8;
/// How many names are tried for a directory that is moved to the top.
const MOVE_ATTEMPTS: u32 = 1000;

/// The directory in which the children of `node` lie; for no node, that in which the tree lies.
pub fn holder<'n>(tree: &'n Tree<'_>, node: Option<&'n Node<'_>>) -> &'n Directory {
    node.map_or_else(|| tree.folder(), |node| &node.directory)
}

/// One directory of a doomed tree.
pub struct Node<'s> {
    pub tree: &'s Tree<'s>,
    pub parent: Option<Arc<Node<'s>>>,
    pub directory: Directory,
    /// How many directories are above it in the tree.
    pub depth: usize,
    name: CString,
    on_disk: u64,
    /// Children that are not finished, and one more while it is being listed.
    unfinished: AtomicUsize,
    /// Whether something in it is to stay, or could not be removed.
    kept: AtomicBool,
    passes: AtomicU32,
}

impl<'s> Node<'s> {
    pub fn new(
        tree: &'s Tree<'s>,
        parent: Option<Arc<Self>>,
        name: &CStr,
        directory: Directory,
        status: &Status,
    ) -> Self {
        Self {
            tree,
            depth: parent.as_ref().map_or(0, |parent| parent.depth + 1),
            parent,
            directory,
            name: name.to_owned(),
            on_disk: status.on_disk(),
            unfinished: AtomicUsize::new(1),
            kept: AtomicBool::new(false),
            passes: AtomicU32::new(1),
        }
    }

    /// Notes how something in it has ended.
    pub fn note(&self, ending: Ending) {
        if ending == Ending::Kept {
            self.kept.store(true, Ordering::Relaxed);
        }
    }

    pub fn expect_child(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this was the last one. Whoever is told so sees what all the others have noted.
    pub fn finish_one(&self) -> bool {
        self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Removes the directory, now that everything in it is finished. `None` if it has to be
    /// emptied once more.
    pub fn close(&self) -> Option<Ending> {
        if self.kept.load(Ordering::Relaxed) {
            return Some(Ending::Kept);
        }
        let holder = holder(self.tree, self.parent.as_deref());
        match self.tree.in_writable(holder, || holder.remove_directory(&self.name)) {
            Ok(()) => {
                let on_disk = ByteSize::b(self.on_disk);
                self.tree.count(&Usage { directories: 1, on_disk, ..Usage::default() });
                Some(Ending::Removed)
            }
            Err(Errno::NOENT) => Some(Ending::Removed),
            Err(Errno::NOTEMPTY | Errno::EXIST) if self.may_try_again() => None,
            Err(cause) => Some(self.tree.miss("remove", holder, &self.name, cause)),
        }
    }

    fn may_try_again(&self) -> bool {
        self.unfinished.store(1, Ordering::Relaxed);
        self.passes.fetch_add(1, Ordering::Relaxed) < MAX_PASSES && self.directory.rewind().is_ok()
    }

    /// Moves a directory of this one to the top of the tree. Returns where it is now: where it was
    /// if it cannot be moved.
    pub fn move_to_top(self: &Arc<Self>, name: CString) -> (Arc<Self>, CString) {
        let mut top = Arc::clone(self);
        while let Some(parent) = top.parent.clone() {
            top = parent;
        }
        let mut is_repaired = false;
        for _ in 0..MOVE_ATTEMPTS {
            let number = self.tree.next_moved();
            let moved = CString::new(format!("tmp-gc-{number}")).expect("there is no NUL in it");
            let rename = || self.directory.rename(&name, &top.directory, &moved);
            match self.tree.in_writable(&self.directory, rename) {
                Ok(()) => return (top, moved),
                // Somebody has made a directory of that name.
                Err(Errno::EXIST) => {}
                // A directory that its owner may not write to cannot change its parent.
                Err(Errno::ACCESS) if !is_repaired => {
                    is_repaired = self.directory.make_child_writable(&name).is_ok();
                    if !is_repaired {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        (Arc::clone(self), name)
    }
}
