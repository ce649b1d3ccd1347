//! Parallel deletion.
//!
//! A thread removes every file in a directory and continues with its first subdirectory; it leaves
//! the others as tasks, as the walker does. The thread that finishes the last child of a directory
//! removes the directory itself, and so on upwards. `crew.rs` determines the number of threads
//! along the way.
//!
//! On file systems that remove one name at a time, one thread lists the files of a directory and
//! another removes them (`backlog.rs`). Until then, the files count as one more child of the
//! directory.
//!
//! A directory stays open until it is empty, because its children are removed through it. That
//! takes a permit ([`Budget`]): a tree may be deeper and wider than the limit of open files. A
//! directory without a permit is removed in place (`in_place.rs`), by the thread that found it.

use std::sync::Arc;
use std::thread::available_parallelism;

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
use crate::fs::{Budget, RemovalPattern, Span};
use crate::usage::{Progress, Surveys};

/// Deletes everything in `to_remove`. `progress` has counters for each decision of the plan.
pub(super) fn remove(
    to_remove: &[HiddenEntry],
    progress: &Progress,
    budget: &Budget,
    report: &Report<'_>,
    surveys: &Surveys<'_>,
) {
    // A cache is usually on one file system. If not, only speed is lost.
    let Some(entry) = to_remove.first() else { return };
    let names = LastNames::default();
    let new = |to_remove| Tree::new(to_remove, progress, &names, report, surveys);
    let trees: Vec<_> = to_remove.iter().map(new).collect();
    let (first, backlog) = match entry.folder.removal_pattern() {
        RemovalPattern::Queued { threads } => (threads, Some(Backlog::default())),
        RemovalPattern::InMemory => (available_parallelism().map_or(1, usize::from), None),
        RemovalPattern::OnDisk => (budget.threads(), None),
    };
    let removal = |tree| Removal { tree, budget, backlog: backlog.as_ref() };
    let tasks = trees.iter().map(|tree| Task::Begin(removal(tree)));
    let removed = || trees.iter().map(Tree::removed).sum();
    crew::run(first, budget.threads(), tasks, removed, Task::run);
}

/// The removal of one tree, as known to each of its tasks.
#[derive(Clone, Copy)]
struct Removal<'s, 'b> {
    tree: &'s Tree<'s>,
    budget: &'s Budget,
    /// The queue for files, unless they are removed at once.
    backlog: Option<&'b Backlog<Emptying<'s>>>,
}

/// Files to remove from a directory.
struct Emptying<'s> {
    tree: &'s Tree<'s>,
    node: Arc<Node<'s>>,
    files: Files,
}

/// The containing directory; `None` at the top of a tree.
type Parent<'s> = Option<Arc<Node<'s>>>;

/// A task for any thread.
enum Task<'s, 'b> {
    /// Removes a tree.
    Begin(Removal<'s, 'b>),
    /// Removes a directory that turned out not to be empty.
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

    /// Lists a target, and leaves its files to a removing thread, which may be this one.
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
            rest.shell = rest.shell.with_progress();
        }
        let node = Arc::new(Node::new(parent, rest, true, permit));
        // Others may continue with its subdirectories while this thread removes files.
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

    /// Removes the first of some directories in a node, while others may take the rest. Whatever is
    /// below it becomes the next task.
    fn work(self, worker: &mut Worker<'_, 's, 'b>, node: Arc<Node<'s>>, mut span: Span) {
        while let Some(rest) = node.children.divide(&mut span) {
            worker.push(Task::Work(self, Arc::clone(&node), rest));
        }
        let target = Target::new(node.children.first(&span).to_owned());
        self.enter(worker, Some(node), target);
    }

    /// Removes as much of a target as possible without descending into it.
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

    /// Records that a child of `parent` is finished. The last child removes the directory, which
    /// finishes a child of the directory above.
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
