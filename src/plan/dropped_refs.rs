//! Whether the reference index is trustworthy.
//!
//! At each start, the owner of the cache removes anything directly in it that has not changed for
//! seven days. That may be `refs` itself, even if its images are in use. Then every image looks
//! like an orphan until its next run. This cannot be proven, but it leaves traces.

use jiff::{SignedDuration, Timestamp};

use super::reachability::Reachability;
use super::unreplaced::WEEK;
use crate::cache::{Entry, Folder, Inventory};

/// How much younger than an orphan's last use the index must be.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// Why the reference index may be incomplete: a reason to warn, not to decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DroppedRefs {
    /// There are images, but no `refs` at all.
    Missing {
        /// The number of images.
        images: usize,
    },
    /// `refs` was made well after the last use of images without a reference.
    Younger {
        /// The number of those images.
        orphans: usize,
        /// When `refs` was made.
        born: Timestamp,
    },
}

impl DroppedRefs {
    /// Checks the refs of `inventory`; `None` if there is nothing to doubt. An orphan that was
    /// replaced needs no reference, and one unused for a week is no longer wanted by the owner, so
    /// neither raises a doubt.
    pub fn new(
        inventory: &Inventory,
        now: Timestamp,
        is_replaced: impl Fn(&Entry) -> bool,
    ) -> Option<Self> {
        if !inventory.refs.unreadable.is_empty() {
            // The problem is bigger and already reported: with unreadable refs, no image is an
            // orphan.
            return None;
        }
        if !inventory.folders.contains(&Folder::Refs) {
            let images = inventory.images().count();
            return (images > 0).then_some(Self::Missing { images });
        }
        let born = inventory.index_born?;
        let marks = Reachability::new(&inventory.refs.refs);
        let is_older =
            |used: Timestamp| born.duration_since(used) > MARGIN && now.duration_since(used) < WEEK;
        let orphans = inventory.images().filter(|(image, digest)| {
            let is_orphan = !marks.contains(digest.entry_name());
            is_orphan && is_older(image.last_used) && !is_replaced(image)
        });
        match orphans.count() {
            0 => None,
            orphans => Some(Self::Younger { orphans, born }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Digest, EntryKind, EntryName, Location, Ref, UnreadableRef};

    #[test]
    fn an_index_that_is_missing_or_younger_than_an_orphan_is_doubted() {
        let digest = Digest::parse(b"sha256:a").unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let doubt = |folders: &[Folder], born: Option<i64>, is_named: bool| {
            let location = Location { folder: Folder::Root, name: digest.entry_name().clone() };
            let kind = EntryKind::Image(digest.clone());
            let mut inventory = Inventory {
                entries: vec![Entry::used_at(location, kind, at(10_000))],
                folders: folders.to_vec(),
                index_born: born.map(at),
                ..Inventory::default()
            };
            if is_named {
                let file = EntryName::new("r").unwrap();
                inventory.refs.refs.push(Ref {
                    file,
                    image: None,
                    digest: digest.clone(),
                    modified: at(0),
                });
            }
            DroppedRefs::new(&inventory, at(20_000), |_| false)
        };
        let refs = &[Folder::Layers, Folder::Refs][..];
        let younger = |born| Some(DroppedRefs::Younger { orphans: 1, born: at(born) });
        assert_eq!(doubt(&[Folder::Layers], None, false), Some(DroppedRefs::Missing { images: 1 }));
        assert_eq!(doubt(refs, None, false), None);
        assert_eq!(doubt(refs, Some(13_600), false), None);
        assert_eq!(doubt(refs, Some(13_601), false), younger(13_601));
        assert_eq!(doubt(refs, Some(13_601), true), None);
        assert_eq!(doubt(refs, Some(5_000), false), None);
        // A cache without images needs no refs.
        assert_eq!(DroppedRefs::new(&Inventory::default(), at(20_000), |_| false), None);
        let mut unreadable = Inventory::default();
        let error = crate::error::Error::Interrupted;
        unreadable.refs.unreadable.push(UnreadableRef { file: None, error });
        let (location, kind) = (
            Location { folder: Folder::Root, name: digest.entry_name().clone() },
            EntryKind::Image(digest),
        );
        unreadable.entries.push(Entry::used_at(location, kind, at(0)));
        assert_eq!(
            DroppedRefs::new(&unreadable, at(20_000), |_| false),
            None,
            "worse is known of them"
        );
    }
}
