//! The ref index: which image reference points at which digest.
//!
//! A ref is a small file in `refs/` that says `reference TAB digest NEWLINE` (`digest NEWLINE` in
//! the old form). The owner of the cache writes it in place, truncate first, so a reader may see
//! it empty or cut. A ref is therefore *settled* before it is believed: a file that is not a whole
//! ref and younger than two seconds is read again for up to half a second, all such files
//! together.
//!
//! A ref that says nothing usable protects nothing, as with the owner itself, and is reported. A
//! ref that *cannot be read*, a symlink or a file of more than 64 KiB included, may name any image: [`RefIndex::unreadable`] keeps those apart, and
//! no image may be removed while it is not empty.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::entry_name::EntryName;
use super::handle::Cache;
use super::location::Folder;
use super::ref_file::{InvalidRef, Look, Ref, look};
use crate::error::{Error, Result};
use crate::fs::Directory;

/// How long to wait, in all, for refs that are being written.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(500);
/// How long to wait before such a ref is read again.
const SETTLE_STEP: Duration = Duration::from_millis(10);

/// A ref that may name any image.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableRef {
    /// The name of the file; `None` if `refs` itself cannot be read.
    pub file: Option<EntryName>,
    /// Why it cannot be read.
    pub error: Error,
}

/// All of `refs/`: the answer of [`Cache::refs`](super::Cache::refs).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RefIndex {
    /// What names an image, by image reference.
    pub refs: Vec<Ref>,
    /// What does not, by file name.
    pub invalid: Vec<InvalidRef>,
    /// What could not be read, and so may name any image.
    pub unreadable: Vec<UnreadableRef>,
}

impl RefIndex {
    /// Reads `refs`, whose path is `path`, and waits with `patience` for refs that are being
    /// written.
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

    /// Adds the ref file `name`, unless it has to be looked at again.
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
                let error = Error::io("read the ref", path, cause);
                self.unreadable.push(UnreadableRef { file: Some(name.clone()), error });
            }
        }
        true
    }

    /// The names of all files in `refs`, whatever is in them.
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

    /// How many refs there are, of whatever kind.
    pub fn len(&self) -> usize {
        self.refs.len() + self.invalid.len() + self.unreadable.len()
    }

    /// The refs, if all of them can be read. If not, no image is known to be dead.
    ///
    /// # Errors
    /// [`Error::UnreadableRefs`] if some cannot be read; the first of them is named.
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
    /// Reads all refs, waiting up to half a second for refs that are being written. Whatever
    /// cannot be read, be it `refs` itself, is in the index's list of what is unreadable.
    pub fn refs(&self) -> RefIndex {
        self.refs_with(SETTLE_TIME)
    }

    /// Reads all references at once, each as it stands.
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

    /// When `refs` was made. That it cannot be asked is reported with the refs themselves.
    pub(super) fn index_born(&self) -> Option<Timestamp> {
        self.try_folder(Folder::Refs).ok()??.born(c".").ok()?
    }
}
