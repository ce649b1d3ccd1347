//! The largest files of a tree, while it is walked.
//!
//! No more of them are kept than are wanted. A file that is too small for that is passed over by a look
//! at one number, and does not wait for other threads.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::dir_id::DirId;
use crate::fs::{InodeId, Status};

/// So many files, the largest that were seen.
pub struct Largest {
    most: usize,
    /// Bytes on disk that a file must have to be among them.
    least: AtomicU64,
    files: Mutex<Files>,
}

/// Which of two files is larger: by bytes on disk. Of those with as many, by a number that does not
/// depend on who saw which first.
type Rank = (u64, Reverse<InodeId>);
type Files = BTreeMap<Rank, Named>;

/// One of the names of a file.
#[derive(Clone, Debug)]
pub struct Named {
    pub dir: DirId,
    pub name: OsString,
    /// The length of the file.
    pub apparent: u64,
}

impl Largest {
    pub fn new(most: usize) -> Self {
        let least = if most == 0 { u64::MAX } else { 0 };
        Self { most, least: AtomicU64::new(least), files: Mutex::default() }
    }

    /// Notes a file by one of its names. Of two names, `is_first` says whether the one is to be kept
    /// rather than the other.
    pub fn note(
        &self,
        dir: DirId,
        name: &OsStr,
        status: &Status,
        is_first: impl FnOnce(&Named, &Named) -> bool,
    ) {
        let on_disk = status.on_disk();
        if on_disk < self.least.load(Ordering::Relaxed) {
            return;
        }
        let named = Named { dir, name: name.to_owned(), apparent: status.size };
        let mut files = self.files();
        match files.get_mut(&(on_disk, Reverse(status.inode))) {
            Some(known) if is_first(&named, known) => *known = named,
            Some(_) => {}
            None => {
                files.insert((on_disk, Reverse(status.inode)), named);
            }
        }
        if files.len() > self.most {
            files.pop_first();
        }
        if let (true, Some(((least, _), _))) = (files.len() == self.most, files.first_key_value()) {
            self.least.store(*least, Ordering::Relaxed);
        }
    }

    /// The files with their bytes on disk, the smallest first.
    pub fn into_files(self) -> impl Iterator<Item = (u64, Named)> {
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.into_iter().map(|((on_disk, _), named)| (on_disk, named))
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::fs::Kind;

    fn status(number: u64, blocks: u64) -> Status {
        Status {
            mode: 0o644,
            kind: Kind::File,
            inode: InodeId { device: 1, number },
            links: 1,
            size: 1,
            blocks,
            modified: (0, 0),
            changed: (0, 0),
            mounted: None,
        }
    }

    /// What is kept of names in some order, of files with so many blocks each.
    fn kept(most: usize, names: &[u64], blocks: &[u64]) -> Vec<(u64, OsString)> {
        let largest = Largest::new(most);
        for &name in names {
            let number = name % blocks.len() as u64;
            let status = status(number, blocks[number as usize]);
            let text = OsString::from(format!("{name:02}"));
            largest.note(DirId::TOP, &text, &status, |one, other| one.name < other.name);
        }
        largest.into_files().map(|(on_disk, named)| (on_disk, named.name)).collect()
    }

    proptest! {
        #[test]
        fn whatever_the_order_each_file_is_kept_once_by_its_first_name(
            blocks in vec(0..4u64, 1..12),
            names in Just((0..36u64).collect::<Vec<_>>()).prop_shuffle(),
            most in 0..8usize,
        ) {
            let mut files: Vec<_> = blocks.iter().enumerate().collect();
            files.sort_by_key(|&(number, blocks)| (Reverse(*blocks), number));
            files.truncate(most);
            files.reverse();
            let expected: Vec<_> = files
                .iter()
                .map(|(number, blocks)| (*blocks * 512, OsString::from(format!("{number:02}"))))
                .collect();
            prop_assert_eq!(kept(most, &names, &blocks), expected);
        }
    }
}
