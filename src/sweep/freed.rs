//! Bytes that a removal really frees.
//!
//! Removing one of several names of a file frees nothing; removing the last one frees everything.
//! The names of an inode may be anywhere in the trees to remove, and threads remove them at the
//! same time. So each such name is announced before it is removed and confirmed afterwards. The
//! bytes count once as many names are confirmed as the inode had at the first announcement. Every
//! name is announced before its removal, so the first announcement sees the full number of names. A
//! later one sees fewer, maybe a single one, and gets the full number as its result.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fs::{InodeId, Status};

/// Inodes with several names, some of which have been removed.
#[derive(Debug, Default)]
pub(super) struct LastNames {
    inodes: Mutex<HashMap<InodeId, Names>>,
    /// The number of these inodes. Most files have a single name and should not wait for the lock.
    count: AtomicUsize,
}

/// The names of an inode.
#[derive(Clone, Copy, Debug)]
struct Names {
    all: u64,
    left: u64,
}

impl LastNames {
    /// Announces that a name is about to be removed. Takes the current status of the inode, and
    /// returns it with the number of names that the inode had at the first announcement.
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

    /// Confirms that the name is removed. Takes the status returned by [`LastNames::announce`], and
    /// returns whether this freed the inode.
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
        // The number of names seen at each announcement, by one thread or by several at once, and
        // the result of each confirmation.
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
                assert_eq!(status.links, seen[0], "all names at the start: {seen:?}");
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
