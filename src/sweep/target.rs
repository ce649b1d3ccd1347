//! One name in a tree that is being removed, until it is gone.
//!
//! Whatever can be removed at once is. A directory with directories in it is left as a [`Rest`]:
//! the thread that has removed the last of those removes the directory itself, its [`Shell`].

use std::ffi::{CStr, CString};

use bytesize::ByteSize;
use rustix::io::Errno;

use super::tree::{Ending, Tree};
use crate::fs::{Directory, InodeId, Kind, NameList, Span};
use crate::usage::Usage;

/// How often in a row a directory is emptied again that is not empty after all, although nothing in it could be
/// removed. As long as something can, it is emptied again: some file systems pass over entries while others are
/// removed, half of what is left in each pass.
const MAX_IDLE_PASSES: u32 = 8;

/// A name that is to be removed.
pub struct Target {
    name: CString,
    /// How often in a row it has been emptied before, and nothing has gone.
    idle_passes: u32,
}

/// What has come of a [`Target`].
pub enum Step {
    Ended(Ending),
    /// With all the directories in it.
    Left(Rest, Span),
}

/// A directory in which nothing but directories is left.
pub struct Rest {
    pub shell: Shell,
    pub directory: Directory,
    pub inode: InodeId,
    pub children: NameList,
    /// How what was in it besides has ended.
    pub ending: Ending,
}

/// A directory without its content.
#[derive(Clone)]
pub struct Shell {
    name: CString,
    idle_passes: u32,
    on_disk: u64,
}

impl Target {
    pub fn new(name: CString) -> Self {
        Self { name, idle_passes: 0 }
    }

    /// Removes it from `holder`, or what can be removed of it without looking further down.
    pub fn remove(mut self, tree: &Tree<'_>, holder: &Directory) -> Step {
        loop {
            let rest = match self.empty(tree, holder) {
                Ok(rest) => rest,
                Err(ending) => return Step::Ended(ending),
            };
            if let Some(span) = rest.children.span() {
                return Step::Left(rest, span);
            }
            match rest.shell.remove(tree, holder, rest.ending) {
                Ok(ending) => return Step::Ended(ending),
                Err(again) => self = again,
            }
        }
    }

    /// Removes every file in it; or says how it has ended, if it could not be opened.
    fn empty(self, tree: &Tree<'_>, holder: &Directory) -> Result<Rest, Ending> {
        if tree.is_stopped() {
            return Err(Ending::Kept);
        }
        let (directory, status) =
            tree.open(holder, &self.name).map_err(|cause| self.closed(tree, holder, cause))?;
        let (children, ending, has_removed) = remove_files(tree, &directory);
        // What is left of a directory is not emptied again unless its directories have gone.
        let is_idle = !has_removed && children.is_empty();
        let idle_passes = if is_idle { self.idle_passes + 1 } else { 0 };
        let shell = Shell { name: self.name, idle_passes, on_disk: status.on_disk() };
        Ok(Rest { shell, directory, inode: status.inode, children, ending })
    }

    fn closed(&self, tree: &Tree<'_>, holder: &Directory, cause: Errno) -> Ending {
        match cause {
            Errno::NOENT => Ending::Removed,
            // The top of this tree is a file, or a directory has been replaced since it was listed.
            Errno::NOTDIR | Errno::LOOP => {
                let mut usage = Usage::default();
                let removed = tree.remove_file(holder, &self.name, &mut usage);
                tree.count(&usage);
                removed.map_or_else(
                    |cause| tree.miss("remove", holder, &self.name, cause),
                    |()| Ending::Removed,
                )
            }
            // An empty one need not be opened.
            Errno::ACCESS if holder.remove_directory(&self.name).is_ok() => Ending::Removed,
            cause => tree.miss("open", holder, &self.name, cause),
        }
    }
}

/// Removes every file in a directory. Returns the directories in it, whether anything else is still
/// there, and whether anything has gone.
fn remove_files(tree: &Tree<'_>, directory: &Directory) -> (NameList, Ending, bool) {
    let (mut usage, mut children, mut ending) =
        (Usage::default(), NameList::default(), Ending::Removed);
    let mut remove_or_note = |name: &CStr, kind: Option<Kind>| {
        if tree.is_stopped() {
            ending = Ending::Kept;
            return;
        }
        if kind == Some(Kind::Directory) {
            return children.push(name);
        }
        match tree.remove_file(directory, name, &mut usage) {
            Ok(()) => {}
            Err(Errno::ISDIR) => children.push(name),
            Err(cause) => ending = tree.miss("remove", directory, name, cause),
        }
    };
    if let Err(cause) = directory.for_each(&mut remove_or_note) {
        ending = tree.miss("list", directory, c".", cause);
    }
    tree.count(&usage);
    (children, ending, usage.files > 0)
}

impl Shell {
    /// Removes the directory from `holder`, unless something in it was kept. Gives it back as a
    /// target if it has to be emptied once more.
    pub fn remove(
        self,
        tree: &Tree<'_>,
        holder: &Directory,
        content: Ending,
    ) -> Result<Ending, Target> {
        if content == Ending::Kept {
            return Ok(Ending::Kept);
        }
        match tree.in_writable(holder, || holder.remove_directory(&self.name)) {
            Ok(()) => {
                let on_disk = ByteSize::b(self.on_disk);
                tree.count(&Usage::from_directory(on_disk));
                Ok(Ending::Removed)
            }
            Err(Errno::NOENT) => Ok(Ending::Removed),
            Err(Errno::NOTEMPTY | Errno::EXIST) if self.idle_passes < MAX_IDLE_PASSES => {
                Err(Target { name: self.name, idle_passes: self.idle_passes })
            }
            Err(cause) => Ok(tree.miss("remove", holder, &self.name, cause)),
        }
    }
}
