//! Parallel deletion.
//!
//! A directory is a task: it removes every file in its directory and spawns a task for each
//! directory in it. Whoever finishes the last of a directory's children removes the directory
//! itself, and so on upwards. Deletion waits for the journal far more than it computes, so it pays
//! to have many more threads than cores.
//!
//! A directory stays open until it is empty, since its children are removed through it. Where a
//! tree is deeper than [`MAX_DEPTH`], the directories below are moved to the top of the same doomed
//! tree, so the number of open directories does not follow the depth.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use rayon::{Scope, ThreadPool};
use rustix::io::Errno;

use super::freed::LastNames;
use super::node::{Node, holder};
use super::outcome::Report;
use super::trash::Doomed;
use super::tree::{Ending, Tree};
use crate::directory::Kind;
use crate::usage::{Progress, Usage};

/// How deep directories may be nested before they are moved up.
const MAX_DEPTH: usize = 64;

/// Deletes everything in `doomed`; `progress` has a tally for each decision of the plan.
pub(super) fn remove(
    doomed: &[Doomed],
    progress: &Progress,
    pool: &ThreadPool,
    report: &Report<'_>,
) {
    let names = LastNames::default();
    let trees: Vec<_> =
        doomed.iter().map(|doomed| Tree::new(doomed, progress, &names, report)).collect();
    pool.scope(|scope| {
        for tree in &trees {
            scope.spawn(move |scope| {
                tree.begin();
                enter(scope, tree, None, tree.name());
            });
        }
    });
}

/// Removes whatever `name` is; `parent` is `None` for the top of a tree.
fn enter<'s>(scope: &Scope<'s>, tree: &'s Tree<'s>, parent: Option<Arc<Node<'s>>>, name: &CStr) {
    let holder = holder(tree, parent.as_deref());
    if tree.is_stopped() {
        return finish(scope, tree, parent, Ending::Kept);
    }
    let ending = match tree.open(holder, name) {
        Ok((directory, status)) => {
            let node = Node::new(tree, parent, name, directory, &status);
            return empty(scope, Arc::new(node));
        }
        Err(Errno::NOENT) => Ending::Removed,
        // The top of this tree is a file, or a directory has been replaced since it was listed.
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let mut usage = Usage::default();
            let removed = tree.remove_file(holder, name, &mut usage);
            tree.count(&usage);
            match removed {
                Ok(()) => Ending::Removed,
                Err(cause) => tree.miss("remove", holder, name, cause),
            }
        }
        Err(cause) => tree.miss("open", holder, name, cause),
    };
    finish(scope, tree, parent, ending);
}

fn finish<'s>(scope: &Scope<'s>, tree: &Tree<'s>, parent: Option<Arc<Node<'s>>>, ending: Ending) {
    match parent {
        Some(parent) => finish_child(scope, parent, ending),
        None => tree.settle(ending),
    }
}

/// Removes the files of a directory, and spawns its directories.
fn empty<'s>(scope: &Scope<'s>, node: Arc<Node<'s>>) {
    let (mut usage, mut children) = (Usage::default(), Vec::new());
    let listed = node.directory.for_each(|name, kind| {
        if !node.tree.is_stopped() {
            remove_or_note(&node, name, kind, &mut usage, &mut children);
        }
    });
    if let Err(cause) = listed {
        node.note(node.tree.miss("list", &node.directory, c".", cause));
    }
    if node.tree.is_stopped() {
        node.note(Ending::Kept);
    }
    node.tree.count(&usage);
    spawn(scope, &node, children);
    finish_child(scope, node, Ending::Removed);
}

fn remove_or_note(
    node: &Node<'_>,
    name: &CStr,
    kind: Option<Kind>,
    usage: &mut Usage,
    children: &mut Vec<CString>,
) {
    if kind == Some(Kind::Directory) {
        return children.push(name.to_owned());
    }
    match node.tree.remove_file(&node.directory, name, usage) {
        Ok(()) => {}
        Err(Errno::ISDIR) => children.push(name.to_owned()),
        Err(cause) => node.note(node.tree.miss("remove", &node.directory, name, cause)),
    }
}

fn spawn<'s>(scope: &Scope<'s>, node: &Arc<Node<'s>>, children: Vec<CString>) {
    for name in children {
        let (parent, name) = match node.depth < MAX_DEPTH {
            true => (Arc::clone(node), name),
            false => node.move_to_top(name),
        };
        parent.expect_child();
        scope.spawn(move |scope| enter(scope, parent.tree, Some(parent), &name));
    }
}

/// Takes note that a child of `node`, or its own listing, has come to its end. The last of them
/// removes the directory, and is then the end of a child of the directory above.
fn finish_child<'s>(scope: &Scope<'s>, mut node: Arc<Node<'s>>, mut ending: Ending) {
    loop {
        node.note(ending);
        if !node.finish_one() {
            return;
        }
        ending = match node.close() {
            Some(ending) => ending,
            None => return scope.spawn(move |scope| empty(scope, node)),
        };
        match node.parent.clone() {
            Some(parent) => node = parent,
            None => return node.tree.settle(ending),
        }
    }
}
