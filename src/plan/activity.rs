//! Who still works on what: when the extractions in a cache were changed last.
//!
//! A pull extracts its layers before it writes anything into its rootfs, so a rootfs is as busy as
//! the busiest layer. Whose layer that is, nobody can tell; so it speaks for every rootfs.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::cache::{Folder, Location};

/// When anybody last changed anything in each extraction, as far as that is known. By default, of none.
#[derive(Clone, Debug, Default)]
pub struct Activity(HashMap<Location, Timestamp>);

impl Activity {
    /// From the newest change that was found anywhere in each extraction; `None` for one that could
    /// not be read in full. All extractions have to be given. A
    /// [`Measurement`](crate::usage::Measurement::newest_change) has these changes.
    pub fn new(changes: &[(Location, Option<Timestamp>)]) -> Self {
        let in_layers = changes.iter().filter(|(location, _)| location.folder == Folder::Layers);
        let busiest = in_layers.map(|(_, change)| *change).try_fold(Timestamp::MIN, newer);
        let known = changes.iter().filter_map(|(location, change)| {
            let change = match location.folder {
                Folder::Layers => *change,
                _ => newer(busiest?, *change),
            };
            Some((location.clone(), change?))
        });
        Self(known.collect())
    }

    /// When anybody last worked on the extraction at `location`, if that is known.
    pub fn of(&self, location: &Location) -> Option<Timestamp> {
        self.0.get(location).copied()
    }
}

fn newer(one: Timestamp, other: Option<Timestamp>) -> Option<Timestamp> {
    other.map(|other| one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::EntryName;

    #[test]
    fn a_rootfs_is_as_busy_as_the_busiest_layer() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let place = |folder, name: String| Location { folder, name: EntryName::new(name).unwrap() };
        let activity = |rootfs: Option<i64>, layers: &[Option<i64>]| {
            let mut changes =
                vec![(place(Folder::Root, "tmp-rootfs-1".to_owned()), rootfs.map(at))];
            for (number, &layer) in layers.iter().enumerate() {
                let name = format!("tmp-layer-{number}");
                changes.push((place(Folder::Layers, name), layer.map(at)));
            }
            let activity = Activity::new(&changes);
            let found = changes.iter().map(|(location, _)| activity.of(location));
            found.map(|change| change.map(Timestamp::as_second)).collect::<Vec<_>>()
        };
        assert_eq!(activity(Some(5), &[]), [Some(5)]);
        assert_eq!(activity(None, &[]), [None]);
        assert_eq!(activity(Some(5), &[Some(7), Some(3)]), [Some(7), Some(7), Some(3)]);
        assert_eq!(activity(Some(9), &[Some(7)]), [Some(9), Some(7)]);
        assert_eq!(activity(Some(9), &[Some(7), None]), [None, Some(7), None]);
    }
}
