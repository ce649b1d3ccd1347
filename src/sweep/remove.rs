//! Parallel deletion.
//!
//! A thread removes every file in a directory and goes on with the first directory in it; the
//! others it leaves as tasks, as the walker does. Whoever finishes the last of a directory's
//! children removes the directory itself, and so on upwards. Deletion waits for the journal far
//! more than it computes, so it pays to have many more threads than cores.
//!
//! A directory stays open until it is empty, since its children are removed through it. For that
//! it needs a permit ([`Budget`]): a tree may be deeper and wider than a process may have files
//! open. What gets none is removed in place (`in_place.rs`), by the thread that has come upon it.

use std::sync::Arc;

use rayon::Scope;

use super::freed::LastNames;
use super::in_place;
use super::node::{Node, holder};
use super::outcome::Report;
use super::target::{Step, Target};
use super::trash::HiddenEntry;
use super::tree::{Ending, Tree};
use crate::fs::{Budget, Span};
use crate::jobs::Pool;
use crate::usage::Progress;

/// Deletes everything in `to_remove`; `progress` has counters for each decision of the plan.
pub(super) fn remove(
    to_remove: &[HiddenEntry],
    progress: &Progress,
    pool: &Pool,
    report: &Report<'_>,
) {
    let names = LastNames::default();
    let trees: Vec<_> =
        to_remove.iter().map(|to_remove| Tree::new(to_remove, progress, &names, report)).collect();
    pool.threads.scope(|scope| {
        for tree in &trees {
            let removal = Removal { tree, budget: &pool.budget };
            scope.spawn(move |scope| {
                tree.begin();
                removal.enter(scope, None, Target::new(tree.name().to_owned()));
            });
        }
    });
}

/// One tree's removal, as every task of it knows it.
#[derive(Clone, Copy)]
struct Removal<'s> {
    tree: &'s Tree<'s>,
    budget: &'s Budget,
}

/// The directory in which something lies; none for the top of a tree.
type Parent<'s> = Option<Arc<Node<'s>>>;

impl<'s> Removal<'s> {
    fn enter(self, scope: &Scope<'s>, parent: Parent<'s>, target: Target) {
        if let Some((node, span)) = self.remove(scope, parent, target) {
            self.work(scope, node, span);
        }
    }

    /// Removes some of the directories in a node: the first of them, from its first child up, while
    /// others may take the rest.
    fn work(self, scope: &Scope<'s>, mut node: Arc<Node<'s>>, mut span: Span) {
        loop {
            while let Some(rest) = node.children.divide(&mut span) {
                let node = Arc::clone(&node);
                scope.spawn(move |scope| self.work(scope, node, rest));
            }
            let target = Target::new(node.children.first(&span).to_owned());
            match self.remove(scope, Some(node), target) {
                Some(below) => (node, span) = below,
                None => return,
            }
        }
    }

    /// Removes what can be removed of a target without looking further down. Returns what is left
    /// to do before the rest can go.
    fn remove(
        self,
        scope: &Scope<'s>,
        parent: Parent<'s>,
        target: Target,
    ) -> Option<(Arc<Node<'s>>, Span)> {
        let holder = holder(self.tree, parent.as_deref());
        let ending = match target.remove(self.tree, holder) {
            Step::Ended(ending) => ending,
            Step::Left(rest, span) => match self.budget.try_take() {
                Some(permit) => return Some((Arc::new(Node::new(parent, rest, permit)), span)),
                None => in_place::remove(self.tree, holder, rest),
            },
        };
        self.finish(scope, parent, ending);
        None
    }

    /// Takes note that a child of `parent` has come to its end. The last of them removes the
    /// directory, which is then the end of a child of the directory above.
    fn finish(self, scope: &Scope<'s>, mut parent: Parent<'s>, mut ending: Ending) {
        while let Some(node) = parent {
            if !node.finish_one(ending) {
                return;
            }
            parent = node.parent.clone();
            ending = match node.close(self.tree) {
                Ok(ending) => ending,
                Err(again) => return scope.spawn(move |scope| self.enter(scope, parent, again)),
            };
        }
        self.tree.settle(ending);
    }
}
