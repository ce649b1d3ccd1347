//! One tree while it is walked: what counts in it, and how.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use rustix::io::Errno;

use crate::cache::{Cache, EntryName, Folders, Location};
use crate::directory::{Directory, Kind, Status};
use crate::error::Error;
use crate::usage::links::{Link, Links};
use crate::usage::measurement::Account;
use crate::usage::tally::Stage;
use crate::usage::{Problems, Tally, Usage};

/// How many names of inodes with several a batch holds at most.
const MOST_LINKED: usize = 1024;

/// One tree while it is walked. Workers share it and change it once a directory.
pub(in crate::usage) struct TreeWalk<'a> {
    folder: rustix::io::Result<Option<&'a Arc<Directory>>>,
    pub name: &'a EntryName,
    pub path: PathBuf,
    tally: &'a Tally,
    found: Mutex<Found>,
    /// Directories that are known and not finished.
    open: AtomicUsize,
}

/// What only the whole tree can tell.
#[derive(Default)]
struct Found {
    links: Links,
    problems: Problems,
}

/// What one directory adds to its tree, collected by one thread.
#[derive(Default)]
pub(in crate::usage) struct Batch {
    usage: Usage,
    /// Names of inodes with several, which only the whole tree can count.
    linked: Vec<Link>,
}

impl Batch {
    /// Counts one inode, or one of its names.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn add(&mut self, status: &Status) {
        if status.kind == Kind::Directory {
            self.usage.directories += 1;
            self.usage.on_disk += ByteSize::b(status.on_disk());
            return;
        }
        self.usage.files += 1;
        match status.links > 1 {
            true => self.linked.push(Link::from(status)),
            false => self.usage.add_bytes(status),
        }
    }
}

impl<'a> TreeWalk<'a> {
    pub fn new(cache: &Cache, folders: &'a Folders, at: &'a Location, tally: &'a Tally) -> Self {
        Self {
            folder: folders.get(at.folder),
            name: &at.name,
            path: at.path_in(cache.path()),
            tally,
            found: Mutex::default(),
            open: AtomicUsize::new(1),
        }
    }

    /// The status of the tree's top, which need not be a directory. `None` if it is gone; what
    /// cannot be looked at is noted.
    pub fn top_status(&self) -> Option<Status> {
        match self.folder()?.status_of(self.name.as_c_str()) {
            Ok(status) => Some(status),
            Err(Errno::NOENT) => None,
            Err(cause) => {
                self.miss("look at", &self.path, cause);
                None
            }
        }
    }

    /// Where it lies, if that folder is still there.
    pub fn folder(&self) -> Option<&'a Arc<Directory>> {
        self.folder.unwrap_or_else(|cause| {
            self.miss("open the folder of", &self.path, cause);
            None
        })
    }

    pub fn begin(&self) {
        self.tally.enter(Stage::Working);
    }

    /// Counts an inode, or one of its names, in `batch`, and commits that before it grows big.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn count(&self, batch: &mut Batch, status: &Status) {
        batch.add(status);
        if batch.linked.len() >= MOST_LINKED {
            self.commit(std::mem::take(batch));
        }
    }

    pub fn commit(&self, mut batch: Batch) {
        if !batch.linked.is_empty() {
            batch.usage += self.found().links.see(&batch.linked);
        }
        self.tally.add(&batch.usage);
    }

    /// Notes that something could not be looked at.
    pub fn miss(&self, operation: &'static str, path: &Path, cause: impl Into<std::io::Error>) {
        self.tally.add(&Usage { unreadable: 1, ..Usage::default() });
        let error = Error::io(operation, path, cause);
        self.found().problems.push(error);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One directory is finished, and `children` more are known through it. Called before the
    /// first of those can be finished.
    pub fn finish_directory(&self, children: usize) {
        let was_last = match children.checked_sub(1) {
            Some(more) => self.open.fetch_add(more, Ordering::Relaxed) == 0,
            None => self.open.fetch_sub(1, Ordering::Relaxed) == 1,
        };
        if was_last {
            self.tally.enter(Stage::Done);
        }
    }

    pub fn into_account(self) -> Account {
        self.tally.enter(Stage::Done);
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Found { mut links, problems } = found;
        self.tally.add(&links.settle());
        Account { usage: self.tally.usage(), links, problems }
    }
}
