//! One name in a tree to be removed, until it is gone.
//!
//! Everything that can be removed at once is. A directory with subdirectories is left as a
//! [`Rest`]: the thread that removes the last of these removes the directory itself, its [`Shell`].

use std::ffi::{CStr, CString};

use bytesize::ByteSize;
use rustix::io::Errno;

use super::files::Files;
use super::tree::{Ending, Tree};
use crate::fs::{Directory, InodeId, Kind, NameList};
use crate::usage::Usage;

/// The maximum number of consecutive passes over a directory that is not empty after all, but from
/// which nothing could be removed. Passes that remove something do not count: some file systems
/// skip entries while others are removed, half of the rest in each pass.
const MAX_IDLE_PASSES: u32 = 8;

/// A name to be removed.
pub struct Target {
    name: CString,
    /// The number of consecutive passes before this one that removed nothing.
    idle_passes: u32,
}

/// The result of removing a [`Target`].
pub enum Step {
    Ended(Ending),
    /// It has subdirectories.
    Left(Rest),
}

/// The rest of a listed directory.
pub struct Rest {
    pub shell: Shell,
    pub directory: Directory,
    pub inode: InodeId,
    /// Its files that have been checked.
    pub files: Files,
    pub children: NameList,
    /// The combined result for the contents handled so far.
    pub ending: Ending,
}

/// A directory without its contents.
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

    /// Removes it from `holder`, or as much of it as possible without descending.
    pub fn remove(mut self, tree: &Tree<'_>, holder: &Directory) -> Step {
        loop {
            let mut rest = match self.list(tree, holder) {
                Ok(rest) => rest,
                Err(ending) => return Step::Ended(ending),
            };
            rest.remove_files(tree);
            if !rest.children.is_empty() {
                return Step::Left(rest);
            }
            match rest.shell.remove(tree, holder, rest.ending) {
                Ok(ending) => return Step::Ended(ending),
                Err(again) => self = again,
            }
        }
    }

    /// Lists it and checks every file in it. If there are many files, all but the last are removed
    /// at once. Returns the result instead if it could not be opened.
    pub fn list(self, tree: &Tree<'_>, holder: &Directory) -> Result<Rest, Ending> {
        if tree.is_stopped() {
            return Err(Ending::Kept);
        }
        let (directory, status) =
            tree.open(holder, &self.name).map_err(|cause| self.closed(tree, holder, cause))?;
        if let Some(mut page) = tree.page() {
            page.add_directory(&status);
        }
        let idle_passes = self.idle_passes + 1;
        let shell = Shell { name: self.name, idle_passes, on_disk: status.on_disk() };
        let (files, children) = (Files::default(), NameList::default());
        let inode = status.inode;
        let mut rest = Rest { shell, directory, inode, files, children, ending: Ending::Removed };
        rest.read(tree);
        Ok(rest)
    }

    fn closed(&self, tree: &Tree<'_>, holder: &Directory, cause: Errno) -> Ending {
        match cause {
            Errno::NOENT => Ending::Removed,
            // The top of this tree is a file, or a directory was replaced since it was listed.
            Errno::NOTDIR | Errno::LOOP => {
                let mut usage = Usage::default();
                let removed = tree.remove_file(holder, &self.name, &mut usage);
                tree.count(&usage);
                removed.map_or_else(
                    |cause| tree.miss("remove", holder, &self.name, cause),
                    |()| Ending::Removed,
                )
            }
            // An empty directory can be removed without opening it.
            Errno::ACCESS if holder.remove_directory(&self.name).is_ok() => Ending::Removed,
            cause => tree.miss("open", holder, &self.name, cause),
        }
    }
}

impl Rest {
    fn read(&mut self, tree: &Tree<'_>) {
        let Self { shell, directory, files, children, ending, .. } = self;
        let mut page = tree.page();
        let ask = |name: &CStr, kind: Option<Kind>| {
            if tree.is_stopped() {
                *ending = Ending::Kept;
                return;
            }
            if kind == Some(Kind::Directory) {
                return children.push(name);
            }
            match files.ask(tree, directory, name, kind, page.as_mut()) {
                Ok(()) => {}
                Err(Errno::ISDIR) => children.push(name),
                Err(cause) => *ending = tree.miss("remove", directory, name, cause),
            }
            if files.is_full() {
                remove(std::mem::take(files), tree, directory, shell, ending);
            }
        };
        if let Err(cause) = directory.for_each(ask) {
            *ending = tree.miss("list", directory, c".", cause);
        }
        // With subdirectories, it will not be emptied again before these are removed.
        if !children.is_empty() {
            shell.idle_passes = 0;
        }
    }

    /// Removes the files that have been checked.
    pub fn remove_files(&mut self, tree: &Tree<'_>) {
        let Self { shell, directory, files, ending, .. } = self;
        remove(std::mem::take(files), tree, directory, shell, ending);
    }
}

fn remove(
    files: Files,
    tree: &Tree<'_>,
    directory: &Directory,
    shell: &mut Shell,
    ending: &mut Ending,
) {
    let removed = files.remove(tree, directory);
    if removed.ending == Ending::Kept {
        *ending = Ending::Kept;
    }
    if removed.any {
        shell.idle_passes = 0;
    }
}

impl Shell {
    /// The same directory, counted as making progress because part of it is about to be removed.
    pub fn with_progress(self) -> Self {
        Self { idle_passes: 0, ..self }
    }

    /// Removes the directory from `holder`, unless something in it was kept. Returns it as a target
    /// if it has to be emptied once more.
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
