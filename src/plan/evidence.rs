//! What is known about who needs what.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::cache::{
    Disk, Entry, Folder, InUse, Leases, Lifetimes, Location, Mounts, Programs, Refusals,
    UsingProcess,
};
use crate::error::Error;
use crate::usage::CacheUsage;

/// How long a pull may take from renaming an image into place to writing its config.
const ARRIVAL: SignedDuration = SignedDuration::from_secs(2);

/// The time, and what was in use at that time. [`gc::gather`](crate::gc::gather) collects it from
/// the system.
///
/// Unknown counts as needed: without `in_use` or `mounts`, no image is removed. Without its
/// `activity`, an extraction is kept, and without `lifetimes`, so are layers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Evidence {
    /// The current time.
    pub now: Timestamp,
    /// The processes that use entries of the cache. `None`: unknown.
    pub in_use: Option<InUse>,
    /// Leased images. The lease of an image is checked again right before the image is hidden.
    pub leases: Leases,
    /// The mounts inside the cache. `None`: unknown.
    pub mounts: Option<Mounts>,
    /// What the system would refuse to remove.
    pub refusals: Refusals,
    /// When images and layers were made.
    pub lifetimes: Lifetimes,
    /// The programs in the images.
    pub programs: Programs,
    /// When each extraction last changed.
    pub activity: Activity,
    /// The sizes of everything in the cache. Without them, no limit on the size can be met.
    pub usage: Option<CacheUsage>,
    /// The usage of its file system. Without it, no target for the free space can be met.
    pub disk: Option<Disk>,
    /// What could not be read, and so is unknown.
    pub problems: Vec<Error>,
}

impl Evidence {
    /// Only the time; everything else is unknown.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            in_use: None,
            leases: Leases::default(),
            mounts: None,
            refusals: Refusals::default(),
            lifetimes: Lifetimes::default(),
            programs: Programs::default(),
            activity: Activity::default(),
            usage: None,
            disk: None,
            problems: Vec::new(),
        }
    }

    /// An idle cache without mounts, for tests.
    #[cfg(test)]
    pub(crate) fn of_idle_cache(now: Timestamp) -> Self {
        Self { in_use: Some(InUse::default()), mounts: Some(Mounts::default()), ..Self::at(now) }
    }

    /// Whether an image is still arriving: a pull renames it into place and writes its config last,
    /// a moment later.
    pub(super) fn is_arriving(&self, image: &Entry) -> bool {
        let times = self.lifetimes.images.get(&image.location);
        let has_config = times.is_some_and(|times| times.config.is_some());
        !has_config && self.now.duration_since(image.changed).abs() < ARRIVAL
    }

    /// Whether a process uses an image or holds a lease on it; `None` if unknown.
    pub fn is_in_use(&self, image: &Location) -> Option<bool> {
        let in_use = self.in_use.as_ref()?;
        Some(self.leases.contains(&image.name) || !in_use.get(image).is_empty())
    }

    /// The processes known to use an entry.
    pub(super) fn users(&self, location: &Location) -> &[UsingProcess] {
        self.in_use.as_ref().map_or(&[], |users| users.get(location))
    }
}

/// When each extraction last changed, if known.
///
/// A pull extracts its layers before it writes anything to its rootfs, so a rootfs counts as
/// changed when any layer did. Nothing tells which pull a layer belongs to, so each layer counts
/// for every rootfs.
#[derive(Clone, Debug, Default)]
pub struct Activity(HashMap<Location, Timestamp>);

impl Activity {
    /// Combines the newest change found in each extraction; `None` for one that could not be read
    /// completely. `changes` must cover all extractions.
    /// [`Measurement::newest_change`](crate::usage::Measurement::newest_change) has these times.
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

    /// When the extraction at `location` last changed; `None` if unknown.
    pub fn get(&self, location: &Location) -> Option<Timestamp> {
        self.0.get(location).copied()
    }

    /// The extractions that last changed after `now`, sorted: the clock has been set back since.
    /// Each counts as recent until that time.
    pub fn after(&self, now: Timestamp) -> Vec<&Location> {
        let future = self.0.iter().filter(|(_, change)| **change > now);
        let mut locations: Vec<_> = future.map(|(location, _)| location).collect();
        locations.sort();
        locations
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
            let found = changes.iter().map(|(location, _)| activity.get(location));
            found.map(|change| change.map(Timestamp::as_second)).collect::<Vec<_>>()
        };
        let rootfs = place(Folder::Root, "tmp-rootfs-1".to_owned());
        let future = Activity::new(&[(rootfs.clone(), Some(at(5)))]);
        assert_eq!([4, 5].map(|second| future.after(at(second))), [vec![&rootfs], vec![]]);
        assert_eq!(activity(Some(5), &[]), [Some(5)]);
        assert_eq!(activity(None, &[]), [None]);
        assert_eq!(activity(Some(5), &[Some(7), Some(3)]), [Some(7), Some(7), Some(3)]);
        assert_eq!(activity(Some(9), &[Some(7)]), [Some(9), Some(7)]);
        assert_eq!(activity(Some(9), &[Some(7), None]), [None, Some(7), None]);
    }
}
