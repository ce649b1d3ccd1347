//! Hard links: an inode with several names counts once.
//!
//! Only inodes with more than one name get here, and each is forgotten as soon as all its names
//! have been seen. What remains when a tree has been walked has names outside the tree: removing
//! the tree does not free it, and a sum over several trees must not count it again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytesize::ByteSize;

use super::Usage;
use crate::directory::{InodeId, Status};

/// An inode with names that have not been seen.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// How many names it has.
    names: u64,
    seen: u64,
    apparent: u64,
    on_disk: u64,
}

/// The hard-linked inodes of one tree.
#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<InodeId, Link>);

impl Links {
    /// Notes one name of an inode that has several. Whether it is the first one seen.
    pub fn see(&mut self, status: &Status) -> bool {
        match self.0.entry(status.inode) {
            Entry::Vacant(vacant) => {
                let (apparent, on_disk) = (status.size, status.on_disk());
                vacant.insert(Link { names: status.links, seen: 1, apparent, on_disk });
                true
            }
            Entry::Occupied(mut occupied) => {
                occupied.get_mut().seen += 1;
                if occupied.get().seen >= occupied.get().names {
                    occupied.remove();
                }
                false
            }
        }
    }

    /// Adds the names of another tree, and takes from `total`, the sum over both, what both have.
    pub fn merge(&mut self, other: &Self, total: &mut Usage) {
        for (inode, link) in &other.0 {
            match self.0.entry(*inode) {
                Entry::Vacant(vacant) => {
                    vacant.insert(*link);
                }
                Entry::Occupied(mut occupied) => {
                    occupied.get_mut().seen += link.seen;
                    total.apparent -= ByteSize::b(link.apparent);
                    total.on_disk -= ByteSize::b(link.on_disk);
                }
            }
        }
    }

    /// Bytes of the inodes that have a name elsewhere.
    pub fn held_elsewhere(&self) -> ByteSize {
        let held = self.0.values().filter(|link| link.seen < link.names);
        ByteSize::b(held.map(|link| link.on_disk).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Kind;

    fn file(number: u64, links: u64) -> Status {
        Status {
            kind: Kind::File,
            inode: InodeId { device: 1, number },
            links,
            size: 100,
            blocks: 8,
            modified: (0, 0),
            mounted: None,
        }
    }

    fn links(seen: &[Status]) -> Links {
        let mut links = Links::default();
        seen.iter().for_each(|status| {
            links.see(status);
        });
        links
    }

    #[test]
    fn only_the_first_name_counts_and_the_last_one_is_forgotten() {
        let mut links = Links::default();
        assert_eq!([(); 3].map(|()| links.see(&file(1, 3))), [true, false, false]);
        assert!(links.0.is_empty());
    }

    #[test]
    fn a_name_elsewhere_holds_the_inode_until_it_is_merged() {
        let (here, there) = (file(1, 2), file(1, 2));
        let mut both = links(&[here, file(2, 3)]);
        assert_eq!(both.held_elsewhere().as_u64(), 2 * 4096);
        let mut total = Usage {
            on_disk: ByteSize::b(3 * 4096),
            apparent: ByteSize::b(300),
            ..Usage::default()
        };
        both.merge(&links(&[there]), &mut total);
        assert_eq!((total.on_disk.as_u64(), total.apparent.as_u64()), (2 * 4096, 200));
        assert_eq!(both.held_elsewhere().as_u64(), 4096);
    }
}
