//! One doomed tree, and one directory of it, while they are removed.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytesize::ByteSize;
use rustix::io::{Errno, Result};

use super::freed::LastNames;
use super::outcome::{Fate, Report};
use super::trash::Doomed;
use crate::directory::{Directory, Kind, Status};
use crate::error::Error;
use crate::stop::StopFlag;
use crate::usage::{Problems, Progress, Stage, Tally, Usage};

/// How often a directory is listed again because it was not empty after all. Some file systems
/// pass over entries while others are removed, and somebody may still be writing to it.
const MAX_PASSES: u32 = 8;

/// How the removal of a name has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Removed,
    /// It, or something in it, is still there.
    Kept,
}

/// One doomed tree.
pub struct Tree<'s> {
    doomed: &'s Doomed,
    tally: &'s Tally,
    stop: &'s StopFlag,
    names: &'s LastNames,
    report: &'s Report<'s>,
    problems: Mutex<Problems>,
    /// How many directories have been moved to the top.
    moved: AtomicU32,
}

impl<'s> Tree<'s> {
    pub fn new(
        doomed: &'s Doomed,
        progress: &'s Progress,
        names: &'s LastNames,
        report: &'s Report<'s>,
    ) -> Self {
        Self {
            doomed,
            tally: &progress.tallies()[doomed.decision],
            stop: progress.stop(),
            names,
            report,
            problems: Mutex::default(),
            moved: AtomicU32::new(0),
        }
    }

    pub fn name(&self) -> &'s CStr {
        self.doomed.name.as_c_str()
    }

    pub fn begin(&self) {
        self.tally.enter(Stage::Working);
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_raised()
    }

    /// The directory in which the children of `node` lie; that of the tree itself for no node.
    pub fn holder<'n>(&'n self, node: Option<&'n Node<'s>>) -> &'n Directory {
        node.map_or(&self.doomed.folder, |node| &node.directory)
    }

    /// Opens a directory to empty it, be it closed to its owner.
    pub fn open(&self, holder: &Directory, name: &CStr) -> Result<(Directory, Status)> {
        match holder.open_child(name) {
            Err(Errno::ACCESS) => {
                holder.make_child_writable(name)?;
                holder.open_child(name)
            }
            result => result,
        }
    }

    /// Removes a name that is not a directory, and adds what that frees to `usage`. Somebody else
    /// may have removed it before.
    ///
    /// # Errors
    /// `ISDIR` for a directory.
    pub fn remove_file(&self, holder: &Directory, name: &CStr, usage: &mut Usage) -> Result<()> {
        let status = match holder.status_of(name) {
            Ok(status) if status.kind == Kind::Directory => return Err(Errno::ISDIR),
            Ok(status) => status,
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(cause),
        };
        self.names.announce(&status);
        match in_writable(holder, || holder.remove_file(name)) {
            Ok(()) => {
                usage.files += 1;
                usage.on_disk += self.names.confirm(&status);
                Ok(())
            }
            Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    pub fn count(&self, usage: &Usage) {
        self.tally.add(usage);
    }

    /// Notes that something could not be done.
    pub fn miss(
        &self,
        operation: &'static str,
        holder: &Directory,
        name: &CStr,
        cause: Errno,
    ) -> Ending {
        let below = holder.path().unwrap_or_else(|| PathBuf::from("…"));
        let path: &Path = OsStr::from_bytes(name.to_bytes()).as_ref();
        let error = Error::io(operation, below.join(path), cause);
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ending::Kept
    }

    /// Reports the end of the whole tree.
    pub fn settle(&self, ending: Ending) {
        self.tally.enter(Stage::Done);
        let freed = self.tally.usage().on_disk;
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = match ending {
            Ending::Removed => Fate::Removed { freed },
            Ending::Kept if problems.is_empty() => Fate::Interrupted { freed },
            Ending::Kept => {
                Fate::Failed { freed, problems: Arc::new(std::mem::take(&mut *problems)) }
            }
        };
        self.report.settle(self.doomed.decision, fate);
    }
}

/// Tries again what a directory does not allow its owner, after allowing it.
fn in_writable(directory: &Directory, attempt: impl Fn() -> Result<()>) -> Result<()> {
    match attempt() {
        // If the owner may not change that, it is no error of its own: the first one tells more.
        Err(Errno::ACCESS) => match directory.make_writable() {
            Ok(()) => attempt(),
            Err(_) => Err(Errno::ACCESS),
        },
        result => result,
    }
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
        let holder = self.tree.holder(self.parent.as_deref());
        match in_writable(holder, || holder.remove_directory(&self.name)) {
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
        self.passes.fetch_add(1, Ordering::Relaxed) < MAX_PASSES
    }

    /// Moves a directory of this one to the top of the tree. Returns where it is now: where it was
    /// if it cannot be moved.
    pub fn move_to_top(self: &Arc<Self>, name: CString) -> (Arc<Self>, CString) {
        let mut top = Arc::clone(self);
        while let Some(parent) = top.parent.clone() {
            top = parent;
        }
        let number = self.tree.moved.fetch_add(1, Ordering::Relaxed);
        let moved = CString::new(format!("tmp-gc-{number}")).expect("there is no NUL in it");
        match self.directory.rename(&name, &top.directory, &moved) {
            Ok(()) => (top, moved),
            Err(_) => (Arc::clone(self), name),
        }
    }
}
