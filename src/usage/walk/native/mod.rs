//! The walker that holds directories by their descriptors.
//!
//! A directory is a task: it opens its directory relative to its parent, lists it, looks at every
//! file in it (`visit.rs`), and spawns a task for each directory in it. Idle threads steal tasks,
//! so the work is shared at directory grain, within a tree and between trees. Each thread takes its
//! own newest task first, so it goes deep before it goes wide, and few directories are open at a
//! time: a parent only until its last child has been opened.
//!
//! Few, but in a tree that is made for it as many as there are directories. So a parent needs a
//! permit to stay open ([`Budget`]). What gets none is walked in place (`in_place.rs`): by the
//! thread that has found it, which shares what is below as soon as there are permits again.

mod in_place;
mod visit;

use std::ffi::{CStr, CString};
use std::sync::Arc;

use rayon::Scope;

use super::tree::{Batch, TreeWalk};
use crate::directory::{Budget, Directory, Permit, Status};
use crate::stop::StopFlag;
use crate::usage::Pool;

pub fn walk(trees: &[TreeWalk<'_>], pool: &Pool, stop: &StopFlag) {
    pool.threads.scope(|scope| {
        for tree in trees {
            scope.spawn(move |scope| Walk { tree, budget: &pool.budget, stop }.begin(scope));
        }
    });
}

/// One tree's walk, as every task of it knows it.
#[derive(Clone, Copy)]
struct Walk<'s> {
    tree: &'s TreeWalk<'s>,
    budget: &'s Budget,
    stop: &'s StopFlag,
}

/// A directory that stays open until the last of its children has been opened. In this order: it
/// is closed before the permit is given back.
struct Held<'s> {
    directory: Directory,
    _permit: Permit<'s>,
}

impl<'s> Walk<'s> {
    /// The top of a tree is known by name only: it may be a single file.
    fn begin(self, scope: &Scope<'s>) {
        self.tree.begin();
        let Some(folder) = self.tree.folder() else { return self.tree.finish_directory(0) };
        let (mut batch, mut children) = (Batch::default(), Vec::new());
        self.look_at(folder, self.tree.name.as_c_str(), None, &mut batch, &mut children);
        self.hand_in(batch, &children);
        for name in children {
            if let Some((directory, status)) = self.open(folder, &name) {
                self.walk(scope, directory, &status);
            }
        }
    }

    /// Visits the directory `name` in `parent`.
    fn visit(self, scope: &Scope<'s>, parent: Arc<Held<'s>>, name: &CStr) {
        let opened = self.open(&parent.directory, name);
        drop(parent);
        if let Some((directory, status)) = opened {
            self.walk(scope, directory, &status);
        }
    }

    fn walk(self, scope: &Scope<'s>, directory: Directory, status: &Status) {
        let children = self.list(&directory, status);
        if let Err((directory, children)) = self.share(scope, directory, children) {
            in_place::walk(self, scope, &directory, children);
        }
    }

    /// Spawns a task for each child of a directory. Gives both back if the directory may not stay
    /// open for that.
    fn share(
        self,
        scope: &Scope<'s>,
        directory: Directory,
        children: Vec<CString>,
    ) -> Result<(), (Directory, Vec<CString>)> {
        if children.is_empty() {
            return Ok(());
        }
        let Some(permit) = self.budget.try_take() else { return Err((directory, children)) };
        let parent = Arc::new(Held { directory, _permit: permit });
        for name in children {
            let parent = Arc::clone(&parent);
            scope.spawn(move |scope| self.visit(scope, parent, &name));
        }
        Ok(())
    }
}
