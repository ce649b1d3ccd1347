//! The ref index: which image reference points to which digest.
//!
//! A ref is a small file in `refs/` that contains `reference TAB digest NEWLINE` (`digest NEWLINE`
//! in the old format). The owner of the cache truncates it and writes it in place, so a reader may
//! find it empty or cut off. Therefore a ref must have *settled* before it is trusted: files
//! younger than two seconds that are not a whole ref are read again for up to half a second in all.
//!
//! An invalid ref protects nothing, just as for the owner, and is reported. A ref that *cannot be
//! read* may point to any image; that includes symlinks and files larger than 64 KiB. These are
//! kept apart in [`RefIndex::unreadable`], and no image may be removed unless it is empty.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::entry_name::EntryName;
use super::handle::Cache;
use super::location::Folder;
use super::ref_file::{InvalidRef, Look, Ref, look};
use crate::error::{Error, Result};
use crate::fs::Directory;

/// How long to wait in total for refs that are being written.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(500);
/// The pause before such a ref is read again.
const SETTLE_STEP: Duration = Duration::from_millis(10);

/// A ref that cannot be read, so it may point to any image.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableRef {
    /// The name of the file. `None` if `refs` itself cannot be read.
    pub file: Option<EntryName>,
    /// Why it cannot be read.
    pub error: Error,
}

/// The contents of `refs/`. Returned by [`Cache::refs`](super::Cache::refs).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RefIndex {
    /// The refs that point to an image, sorted by image reference.
    pub refs: Vec<Ref>,
    /// The refs that point to no image, sorted by file name.
    pub invalid: Vec<InvalidRef>,
    /// The refs that could not be read, so they may point to any image.
    pub unreadable: Vec<UnreadableRef>,
}

impl RefIndex {
    /// Reads `refs` at `path`, and waits up to `patience` for refs that are being written.
    pub(super) fn read(refs: &Directory, path: &Path, patience: Duration) -> Self {
        let mut names = Vec::new();
        if let Err(cause) = refs.for_each(|name, _| names.push(EntryName::from(name))) {
            return Self::unreadable(Error::io("list", path, cause));
        }
        let mut index = Self::default();
        let deadline = Instant::now() + patience;
        while !names.is_empty() {
            let last_look = Instant::now() >= deadline;
            names.retain(|name| !index.take_in(refs, path, name, last_look));
            if !names.is_empty() {
                std::thread::sleep(SETTLE_STEP);
            }
        }
        index.refs.sort_by(|a, b| a.order().cmp(&b.order()));
        index.invalid.sort_by(|a, b| a.file.cmp(&b.file));
        index
    }

    pub(super) fn unreadable(problem: Error) -> Self {
        let unreadable = vec![UnreadableRef { file: None, error: problem }];
        Self { unreadable, ..Self::default() }
    }

    /// Adds the ref file `name`. `false` if it must be read again.
    fn take_in(&mut self, refs: &Directory, path: &Path, name: &EntryName, last: bool) -> bool {
        match look(refs, name) {
            Ok(Look::Unsettled(_)) if !last => return false,
            Ok(Look::Found(Ok(found)) | Look::Unsettled(Ok(found))) => self.refs.push(found),
            Ok(Look::Found(Err(invalid)) | Look::Unsettled(Err(invalid))) => {
                self.invalid.push(invalid);
            }
            Ok(Look::Gone) => {}
            Err(cause) => {
                let path = path.join(name.as_os_str());
                let error = Error::io("read the reference", path, cause);
                self.unreadable.push(UnreadableRef { file: Some(name.clone()), error });
            }
        }
        true
    }

    /// The names of all files in `refs`, valid or not.
    pub fn files(&self) -> impl Iterator<Item = &EntryName> {
        let valid = self.refs.iter().map(|found| &found.file);
        let invalid = self.invalid.iter().map(|found| &found.file);
        let unreadable = self.unreadable.iter().filter_map(|found| found.file.as_ref());
        valid.chain(invalid).chain(unreadable)
    }

    /// Whether there are no refs at all, not even invalid ones.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of all refs, valid or not.
    pub fn len(&self) -> usize {
        self.refs.len() + self.invalid.len() + self.unreadable.len()
    }

    /// Returns the index if every ref could be read. Otherwise no image is known to be an orphan.
    ///
    /// # Errors
    /// [`Error::UnreadableRefs`] if some cannot be read. It contains the first error.
    pub fn into_readable(self) -> Result<Self> {
        let count = self.unreadable.len();
        match self.unreadable.into_iter().next() {
            Some(UnreadableRef { file, error }) => Err(Error::UnreadableRefs {
                first: Box::new(error),
                count,
                is_folder: file.is_none(),
            }),
            None => Ok(Self { refs: self.refs, invalid: self.invalid, unreadable: Vec::new() }),
        }
    }
}

impl Cache {
    /// Reads all refs, and waits up to half a second for refs that are being written. Anything
    /// unreadable, even `refs` itself, is in the index's list of unreadable refs.
    pub fn refs(&self) -> RefIndex {
        self.refs_with(SETTLE_TIME)
    }

    /// Reads all references as they are now, without waiting.
    pub(crate) fn refs_now(&self) -> RefIndex {
        self.refs_with(Duration::ZERO)
    }

    pub(super) fn refs_with(&self, patience: Duration) -> RefIndex {
        match self.folder(Folder::Refs) {
            Ok(Some(refs)) => RefIndex::read(&refs, &Folder::Refs.path_in(self.path()), patience),
            Ok(None) => RefIndex::default(),
            Err(problem) => RefIndex::unreadable(problem),
        }
    }

    /// When `refs` was created. `None` on errors, which are reported for the refs themselves.
    pub(super) fn index_born(&self) -> Option<Timestamp> {
        self.try_folder(Folder::Refs).ok()??.born(c".").ok()?
    }
}
