//! The largest files of a tree, collected during the walk.
//!
//! Only as many files as wanted are kept. A file that is too small is skipped after comparing one
//! number, without waiting for other threads.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::dir_id::DirId;
use crate::fs::{InodeId, Status};

/// The `most` largest files seen so far.
pub struct Largest {
    most: usize,
    /// The bytes on disk that a file must have to be one of them.
    least: AtomicU64,
    files: Mutex<Files>,
}

/// The order of files: by bytes on disk, then by a number that does not depend on the order in
/// which threads see them.
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

    /// Records a file by one of its names. Of two names, `is_first` tells whether to prefer the
    /// first one.
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

    /// The files with their bytes on disk, smallest first.
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

    /// The files that are kept of names in some order, given the blocks of each file.
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
        fn each_file_is_kept_once_by_its_first_name_in_any_order(
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
