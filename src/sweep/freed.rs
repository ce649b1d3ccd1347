//! Bytes that a removal really frees.
//!
//! Removing one name of a file with several frees nothing; removing the last one frees it all. The
//! names of an inode may lie anywhere in the trees to remove, and threads remove them at the
//! same time. So each such name is announced before it is removed and confirmed afterwards, and
//! the bytes count once the number of names first announced has been confirmed. No name is removed
//! without being announced, so the first announcement sees the full number. A later one sees fewer names,
//! maybe a single one, and is told the full number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fs::{InodeId, Status};

/// Inodes with several names, of which some have been removed.
#[derive(Debug, Default)]
pub(super) struct LastNames {
    inodes: Mutex<HashMap<InodeId, Names>>,
    /// How many inodes these are: most files have one name, and should not wait for the lock.
    count: AtomicUsize,
}

/// The names of an inode.
#[derive(Clone, Copy, Debug)]
struct Names {
    all: u64,
    left: u64,
}

impl LastNames {
    /// To be called before a name is removed, with the inode's status from before. Returns that status
    /// with the number of names that the inode had when the first of them was announced.
    pub fn announce(&self, status: Status) -> Status {
        if status.links <= 1 && self.count.load(Ordering::Acquire) == 0 {
            return status;
        }
        let mut inodes = self.lock();
        if status.links > 1 {
            let names = Names { all: status.links, left: status.links };
            inodes.entry(status.inode).or_insert(names);
            self.count.store(inodes.len(), Ordering::Release);
        }
        let links = inodes.get(&status.inode).map_or(status.links, |names| names.all);
        Status { links, ..status }
    }

    /// To be called when that name is gone, with the status that [`LastNames::announce`] has returned.
    /// Whether this has freed the inode.
    pub fn confirm(&self, status: &Status) -> bool {
        status.links <= 1 || self.was_last(status.inode)
    }

    fn was_last(&self, inode: InodeId) -> bool {
        let mut inodes = self.lock();
        let Entry::Occupied(mut names) = inodes.entry(inode) else { return false };
        names.get_mut().left -= 1;
        let last = names.get().left == 0;
        if last {
            names.remove();
            self.count.store(inodes.len(), Ordering::Release);
        }
        last
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<InodeId, Names>> {
        self.inodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_freed_with_the_last_of_all_its_names_and_not_before() {
        let file = tempfile::tempfile().unwrap();
        let with = |links| Status { links, ..Status::from(&file.metadata().unwrap()) };
        // How many names are seen when each of them is announced, in turn or by several threads at
        // the same time; and what is said of each once it is removed.
        for (seen, at_once, expected) in [
            (&[1][..], true, &[true][..]),
            (&[3, 2, 1], false, &[false, false, true]),
            (&[3, 3, 3], true, &[false, false, true]),
            (&[3, 2, 2], true, &[false, false, true]),
            (&[3, 1, 1], true, &[false, false, true]),
            (&[3, 2], false, &[false, false]),
            (&[2, 2], true, &[false, true]),
        ] {
            let names = LastNames::default();
            let announce = |links: &u64| {
                let status = names.announce(with(*links));
                assert_eq!(status.links, seen[0], "all names that there were: {seen:?}");
                status
            };
            let freed: Vec<_> = if at_once {
                let statuses: Vec<_> = seen.iter().map(announce).collect();
                statuses.iter().map(|status| names.confirm(status)).collect()
            } else {
                seen.iter().map(|links| names.confirm(&announce(links))).collect()
            };
            assert_eq!(freed, expected, "{seen:?} {at_once}");
        }
    }
}
