//! How a walk spreads over the threads.

use std::sync::Arc;

use rayon::Scope;

use super::in_place;
use super::visit::Opened;
use super::walk::Walk;
use crate::fs::{Directory, NameList, Permit, Span};
use crate::jobs::Pool;
use crate::stop::StopFlag;
use crate::usage::breakdown::DirId;
use crate::usage::walk::batch::Batch;
use crate::usage::walk::tree::TreeWalk;

pub fn walk(trees: &[TreeWalk<'_>], pool: &Pool, stop: &StopFlag) {
    pool.threads.scope(|scope| {
        for tree in trees {
            scope.spawn(move |scope| Walk { tree, budget: &pool.budget, stop }.begin(scope));
        }
    });
}

/// A directory that stays open until the last of its children has been opened. In this order: it
/// is closed before the permit is given back.
pub(super) struct Held<'s> {
    directory: Directory,
    dir: DirId,
    _permit: Permit<'s>,
    children: NameList,
}

impl<'s> Walk<'s> {
    /// The top of a tree is known by name only: it may be a single file.
    fn begin(self, scope: &Scope<'s>) {
        self.tree.begin();
        let Some(folder) = self.tree.folder() else { return self.tree.finish_directory(0) };
        let (mut batch, mut children) = (Batch::default(), NameList::default());
        self.look_at(folder, self.tree.name().as_c_str(), None, &mut batch, &mut children);
        self.hand_in(batch, &children);
        if let Some(top) = children.pop()
            && let Some(opened) = self.open(folder, None, &top)
            && let Some((parent, span)) = self.enter(scope, opened)
        {
            self.visit(scope, parent, span);
        }
    }

    /// Visits some of the children of `parent`, and all below: the first of them and its first
    /// child and so on down, while others may take the rest.
    pub(super) fn visit(self, scope: &Scope<'s>, mut parent: Arc<Held<'s>>, mut span: Span) {
        loop {
            while let Some(rest) = parent.children.divide(&mut span) {
                let parent = Arc::clone(&parent);
                scope.spawn(move |scope| self.visit(scope, parent, rest));
            }
            let name = parent.children.first(&span);
            let opened = self.open(&parent.directory, Some(parent.dir), name);
            drop(parent);
            let Some(opened) = opened else { return };
            match self.enter(scope, opened) {
                Some(below) => (parent, span) = below,
                None => return,
            }
        }
    }

    /// Counts what is in a directory. Returns what is to be visited in it.
    fn enter(self, scope: &Scope<'s>, opened: Opened) -> Option<(Arc<Held<'s>>, Span)> {
        let children = self.list(&opened);
        let Opened { directory, dir, .. } = opened;
        match self.hold(directory, dir, children) {
            Ok(held) => held,
            Err((directory, children)) => {
                in_place::walk(self, scope, &directory, dir, children);
                None
            }
        }
    }

    /// Lets a directory stay open for its children, of which there may be none. Gives both back if
    /// it may not.
    pub(super) fn hold(self, directory: Directory, dir: DirId, children: NameList) -> Holding<'s> {
        let Some(span) = children.span() else { return Ok(None) };
        match self.budget.try_take() {
            Some(permit) => {
                Ok(Some((Arc::new(Held { directory, dir, _permit: permit, children }), span)))
            }
            None => Err((directory, children)),
        }
    }
}

/// A directory that is held for its children, if there are any, or the children without it.
pub(super) type Holding<'s> = Result<Option<(Arc<Held<'s>>, Span)>, (Directory, NameList)>;
