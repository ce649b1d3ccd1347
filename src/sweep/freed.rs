//! Bytes that a removal really frees.
//!
//! Removing one name of a file with several frees nothing; removing the last one frees it all. The
//! names of an inode may lie anywhere in the trees to remove, and threads remove them at the
//! same time. So each such name is announced before it is removed and confirmed afterwards, and
//! the bytes count once the number of names first announced has been confirmed. No run removes a
//! name without announcing it, so the first announcement sees the full number; and if a thread
//! already sees one name only, that name is the last, and the announced ones stay one short.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use crate::fs::{InodeId, Status};

/// Inodes with several names, of which some have been removed.
#[derive(Debug, Default)]
pub(super) struct LastNames(Mutex<HashMap<InodeId, u64>>);

impl LastNames {
    /// To be called before a name is removed, with the inode's status from before.
    pub fn announce(&self, status: &Status) {
        if status.links > 1 {
            let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            left.entry(status.inode).or_insert(status.links);
        }
    }

    /// To be called when that name is gone. Whether this has freed the inode.
    pub fn confirm(&self, status: &Status) -> bool {
        status.links <= 1 || self.was_last(status.inode)
    }

    fn was_last(&self, inode: InodeId) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry::Occupied(mut names) = left.entry(inode) else { return false };
        *names.get_mut() -= 1;
        let last = *names.get() == 0;
        if last {
            names.remove();
        }
        last
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
            (&[3, 2], false, &[false, false]),
            (&[2, 2], true, &[false, true]),
        ] {
            let names = LastNames::default();
            let announce = |links: &u64| names.announce(&with(*links));
            let confirm = |links: &u64| names.confirm(&with(*links));
            let in_turn = |links: &u64| {
                announce(links);
                confirm(links)
            };
            let freed: Vec<_> = if at_once {
                seen.iter().for_each(announce);
                seen.iter().map(confirm).collect()
            } else {
                seen.iter().map(in_turn).collect()
            };
            assert_eq!(freed, expected, "{seen:?} {at_once}");
        }
    }
}
