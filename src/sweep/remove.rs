//! Parallel deletion.
//!
//! A thread removes every file in a directory and goes on with the first directory in it; the
//! others it leaves as tasks, as the walker does. The thread that finishes the last of a directory's
//! children removes the directory itself, and so on upwards. How many threads do that is found out
//! meanwhile (`crew.rs`).
//!
//! On file systems that remove one name after the other, files of a directory are listed by one thread and
//! removed by another (`backlog.rs`); they count as one more child of it meanwhile.
//!
//! A directory stays open until it is empty, since its children are removed through it. For that
//! it needs a permit ([`Budget`]): a tree may be deeper and wider than a process may have files
//! open. What gets none is removed in place (`in_place.rs`), by the thread that has come upon it.

use std::sync::Arc;

use super::backlog::Backlog;
use super::crew;
use super::files::Files;
use super::freed::LastNames;
use super::in_place;
use super::node::{Node, holder};
use super::outcome::Report;
use super::target::{Step, Target};
use super::trash::HiddenEntry;
use super::tree::{Ending, Tree};
use crate::fs::{Budget, Span};
use crate::usage::{Progress, Surveys};

/// Deletes everything in `to_remove`; `progress` has counters for each decision of the plan.
pub(super) fn remove(
    to_remove: &[HiddenEntry],
    progress: &Progress,
    budget: &Budget,
    report: &Report<'_>,
    surveys: &Surveys<'_>,
) {
    let names = LastNames::default();
    let new = |to_remove| Tree::new(to_remove, progress, &names, report, surveys);
    let trees: Vec<_> = to_remove.iter().map(new).collect();
    // Where removals wait for each other, one thread removes and another goes ahead; elsewhere all wait for the disk together.
    let queues = to_remove.iter().any(|entry| entry.folder.queues_removals());
    let backlog = queues.then(Backlog::default);
    let removal = |tree| Removal { tree, budget, backlog: backlog.as_ref() };
    let tasks = trees.iter().map(|tree| Task::Begin(removal(tree)));
    let removed = || trees.iter().map(Tree::removed).sum();
    let first = if queues { 2 } else { budget.threads() };
    crew::run(first, budget.threads(), tasks, removed, Task::run);
}

/// One tree's removal, as every task of it knows it.
#[derive(Clone, Copy)]
struct Removal<'s, 'b> {
    tree: &'s Tree<'s>,
    budget: &'s Budget,
    /// Where files wait to be removed, if that is not done at once.
    backlog: Option<&'b Backlog<Emptying<'s>>>,
}

/// Files to be removed from a directory.
struct Emptying<'s> {
    tree: &'s Tree<'s>,
    node: Arc<Node<'s>>,
    files: Files,
}

/// The directory in which something lies; none for the top of a tree.
type Parent<'s> = Option<Arc<Node<'s>>>;

/// What any thread may do.
enum Task<'s, 'b> {
    /// Removes a tree.
    Begin(Removal<'s, 'b>),
    /// Removes a directory that was not empty after all.
    Again(Removal<'s, 'b>, Parent<'s>, Target),
    /// Removes some of the directories in a node.
    Work(Removal<'s, 'b>, Arc<Node<'s>>, Span),
}

type Worker<'w, 's, 'b> = crew::Worker<'w, Task<'s, 'b>>;

impl<'s, 'b> Task<'s, 'b> {
    fn run(self, worker: &mut Worker<'_, 's, 'b>) {
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

impl<'s, 'b> Removal<'s, 'b> {
    fn enter(self, worker: &mut Worker<'_, 's, 'b>, parent: Parent<'s>, target: Target) {
        match self.backlog {
            Some(backlog) => self.list(backlog, worker, parent, target),
            None => self.remove(worker, parent, target),
        }
    }

    fn go_on(self, worker: &mut Worker<'_, 's, 'b>, node: &Arc<Node<'s>>) {
        if let Some(span) = node.children.span() {
            worker.push(Task::Work(self, Arc::clone(node), span));
        }
    }

    /// Lists a target, and leaves its files to a thread that removes files, which may be this one.
    fn list(
        self,
        backlog: &'b Backlog<Emptying<'s>>,
        worker: &mut Worker<'_, 's, 'b>,
        parent: Parent<'s>,
        target: Target,
    ) {
        let holder = holder(self.tree, parent.as_deref());
        let mut rest = match target.list(self.tree, holder) {
            Ok(rest) => rest,
            Err(ending) => return self.finish(worker, parent, ending),
        };
        let Some(permit) = self.budget.try_take() else {
            rest.remove_files(self.tree);
            let ending = in_place::remove(self.tree, holder, rest);
            return self.finish(worker, parent, ending);
        };
        let files = std::mem::take(&mut rest.files);
        if !files.is_empty() {
            rest.shell = rest.shell.is_emptied();
        }
        let node = Arc::new(Node::new(parent, rest, true, permit));
        // Others may go ahead with what is in it while this thread removes files.
        self.go_on(worker, &node);
        let threads = worker.threads();
        let emptying = Emptying { tree: self.tree, node, files };
        backlog.add(
            emptying,
            || threads().div_ceil(2),
            |Emptying { tree, node, files }| {
                let ending = node.remove(tree, files);
                Self { tree, ..self }.finish(worker, Some(node), ending);
                worker.spare();
            },
        );
    }

    /// Removes the first of some directories in a node, while others may take the rest. What is
    /// below it is the next task.
    fn work(self, worker: &mut Worker<'_, 's, 'b>, node: Arc<Node<'s>>, mut span: Span) {
        while let Some(rest) = node.children.divide(&mut span) {
            worker.push(Task::Work(self, Arc::clone(&node), rest));
        }
        let target = Target::new(node.children.first(&span).to_owned());
        self.enter(worker, Some(node), target);
    }

    /// Removes what can be removed of a target without looking further down.
    fn remove(self, worker: &mut Worker<'_, 's, 'b>, parent: Parent<'s>, target: Target) {
        let holder = holder(self.tree, parent.as_deref());
        let ending = match target.remove(self.tree, holder) {
            Step::Ended(ending) => ending,
            Step::Left(rest) => match self.budget.try_take() {
                Some(permit) => {
                    let node = Node::new(parent, rest, false, permit);
                    return self.go_on(worker, &Arc::new(node));
                }
                None => in_place::remove(self.tree, holder, rest),
            },
        };
        self.finish(worker, parent, ending);
    }

    /// Takes note that a child of `parent` has come to its end. The last of them removes the
    /// directory, which is then the end of a child of the directory above.
    fn finish(self, worker: &mut Worker<'_, 's, 'b>, mut parent: Parent<'s>, mut ending: Ending) {
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
