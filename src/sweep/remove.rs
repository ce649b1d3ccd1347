//! Parallel deletion.
//!
//! A thread removes every file in a directory and goes on with the first directory in it; the
//! others it leaves as tasks, as the walker does. The thread that finishes the last of a directory's
//! children removes the directory itself, and so on upwards. How many threads do that is found out
//! meanwhile (`crew.rs`).
//!
//! A directory stays open until it is empty, since its children are removed through it. For that
//! it needs a permit ([`Budget`]): a tree may be deeper and wider than a process may have files
//! open. What gets none is removed in place (`in_place.rs`), by the thread that has come upon it.

use std::sync::Arc;

use super::crew;
use super::freed::LastNames;
use super::in_place;
use super::node::{Node, holder};
use super::outcome::Report;
use super::target::{Step, Target};
use super::trash::HiddenEntry;
use super::tree::{Ending, Tree};
use crate::fs::{Budget, Span};
use crate::usage::Progress;

/// Deletes everything in `to_remove`; `progress` has counters for each decision of the plan.
pub(super) fn remove(
    to_remove: &[HiddenEntry],
    progress: &Progress,
    budget: &Budget,
    report: &Report<'_>,
) {
    let names = LastNames::default();
    let trees: Vec<_> =
        to_remove.iter().map(|to_remove| Tree::new(to_remove, progress, &names, report)).collect();
    let tasks = trees.iter().map(|tree| Task::Begin(Removal { tree, budget }));
    let removed = || trees.iter().map(Tree::removed).sum();
    // Where removals wait for each other, more threads only queue; elsewhere they wait for the disk together.
    let queues = to_remove.iter().any(|entry| entry.folder.queues_removals());
    let first = if queues { 1 } else { budget.threads() };
    crew::run(first, budget.threads(), tasks, removed, Task::run);
}

/// One tree's removal, as every task of it knows it.
#[derive(Clone, Copy)]
struct Removal<'s> {
    tree: &'s Tree<'s>,
    budget: &'s Budget,
}

/// The directory in which something lies; none for the top of a tree.
type Parent<'s> = Option<Arc<Node<'s>>>;

/// What any thread may do.
enum Task<'s> {
    /// Removes a tree.
    Begin(Removal<'s>),
    /// Removes a directory that was not empty after all.
    Again(Removal<'s>, Parent<'s>, Target),
    /// Removes some of the directories in a node.
    Work(Removal<'s>, Arc<Node<'s>>, Span),
}

type Worker<'w, 's> = crew::Worker<'w, Task<'s>>;

impl<'s> Task<'s> {
    fn run(self, worker: &mut Worker<'_, 's>) {
        match self {
            Self::Begin(removal) => {
                removal.tree.begin();
                removal.enter(worker, None, Target::new(removal.tree.name().to_owned()));
            }
            Self::Again(removal, parent, target) => removal.enter(worker, parent, target),
            Self::Work(removal, node, span) => removal.work(worker, node, span),
        }
    }
}

impl<'s> Removal<'s> {
    fn enter(self, worker: &mut Worker<'_, 's>, parent: Parent<'s>, target: Target) {
        if let Some((node, span)) = self.remove(worker, parent, target) {
            worker.push(Task::Work(self, node, span));
        }
    }

    /// Removes the first of some directories in a node, while others may take the rest. What is
    /// below it is the next task.
    fn work(self, worker: &mut Worker<'_, 's>, node: Arc<Node<'s>>, mut span: Span) {
        while let Some(rest) = node.children.divide(&mut span) {
            worker.push(Task::Work(self, Arc::clone(&node), rest));
        }
        let target = Target::new(node.children.first(&span).to_owned());
        self.enter(worker, Some(node), target);
    }

    /// Removes what can be removed of a target without looking further down. Returns what is left
    /// to do before the rest can go.
    fn remove(
        self,
        worker: &mut Worker<'_, 's>,
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
        self.finish(worker, parent, ending);
        None
    }

    /// Takes note that a child of `parent` has come to its end. The last of them removes the
    /// directory, which is then the end of a child of the directory above.
    fn finish(self, worker: &mut Worker<'_, 's>, mut parent: Parent<'s>, mut ending: Ending) {
        while let Some(node) = parent {
            if !node.finish_one(ending) {
                return;
            }
            parent = node.parent.clone();
            ending = match node.close(self.tree) {
                Ok(ending) => ending,
                Err(again) => return worker.push(Task::Again(self, parent, again)),
            };
        }
        self.tree.settle(ending);
    }
}
