//! Which layers an image may use.
//!
//! Nothing on disk records that, but the timestamps do. A pull makes the directory of its rootfs
//! before it touches any layer, and writes the image's `.oci-config.json` after all of them. It
//! touches each layer that it uses in between. So a layer is not part of the image if it was made
//! after the config, or last touched before the directory was made. That is proof, not a guess, as
//! long as the times are those of the pull itself. A copy, a restored backup or a changed clock
//! leaves other times. These contradict one another somewhere, and then nothing is concluded from
//! them.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use jiff::{SignedDuration, Timestamp};

use super::periods::{Period, Periods};
use crate::cache::{
    Entry, EntryKind, EntryName, Folder, ImageTimes, Inventory, LayerTimes, Lifetimes, Location,
    Ref,
};

/// A layer not touched for longer than this after it was filled may be a copy: a pull that extracts
/// a layer touches it again to use it.
const TOUCH: SignedDuration = SignedDuration::from_millis(10);

/// Whether a layer is needed: referenced, unreferenced or unknown. This enum will not grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerStatus {
    /// The number of images and extractions that may use it. [`Timeline::made_of`] lists them;
    /// storing the list for every layer would take memory for each pair of layer and image.
    Referenced(usize),
    /// None of the remaining images and extractions can use it.
    Unreferenced,
    /// It is unknown whether it is needed.
    Unknown(UnknownLayer),
}

impl LayerStatus {
    /// The stable name of this status.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Referenced(_) => "referenced",
            Self::Unreferenced => "unreferenced",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why it is unknown whether a layer is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownLayer {
    /// Why the times prove nothing.
    pub reason: UnknownReason,
    /// The image or extraction in doubt, if it is not the layer itself.
    pub image: Option<Location>,
}

/// Why the times of an entry prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The file system does not record when it was made.
    NoBirth,
    /// Its times contradict one another: it was copied or restored, or the clock was changed.
    Contradiction,
    /// It has not been touched since it was made, as if it were a copy.
    Untouched,
    /// It is unreadable or not a directory.
    Unreadable,
}

impl UnknownReason {
    /// The stable name of this reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBirth => "no-birth",
            Self::Contradiction => "contradiction",
            Self::Untouched => "untouched",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The doubt in words, without the name of the image.
impl Display for UnknownReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBirth => "no birth time recorded",
            Self::Contradiction => "copied, or clock changed",
            Self::Untouched => "never used since it was made",
            Self::Unreadable => "unreadable",
        })
    }
}

/// When each image and layer of a cache was made and used.
///
/// An image takes in layers from the birth of its directory to the birth of its config, or until
/// now if it is still being made. A layer could be used from its own birth to its modification
/// time, its last use. A layer may belong to an image if the two periods overlap.
#[derive(Debug)]
pub struct Timeline<'a> {
    inventory: &'a Inventory,
    /// When each image and extraction was made, hidden images included, by index in the inventory.
    made: Vec<(usize, Result<Period, UnknownReason>)>,
    /// Those of them whose times are reliable.
    known: Periods<usize>,
    places: HashMap<&'a Location, usize>,
    lives: HashMap<&'a Location, Result<Period, UnknownReason>>,
    /// The layers whose times are reliable, by index in the inventory.
    layers: Periods<usize>,
}

impl<'a> Timeline<'a> {
    /// The timeline of the entries in `inventory`. The times must be of the same cache.
    pub fn new(inventory: &'a Inventory, times: &Lifetimes) -> Self {
        let oldest = oldest_refs(&inventory.refs.refs);
        let entries = || inventory.entries.iter().enumerate();
        let images = entries().filter(|(_, entry)| entry.is_rootfs());
        let made: Vec<_> =
            images.map(|(place, entry)| (place, making(entry, &oldest, times))).collect();
        let known =
            Periods::new(made.iter().filter_map(|(place, made)| Some((made.ok()?, *place))));
        let is_layer = |entry: &Entry| matches!(entry.kind, EntryKind::Layer(_));
        let layers = || entries().filter(|(_, entry)| is_layer(entry));
        let lives: HashMap<_, _> =
            layers().map(|(_, layer)| (&layer.location, life(layer, times, &known))).collect();
        let alive =
            layers().filter_map(|(place, layer)| Some((lives[&layer.location].ok()?, place)));
        Self {
            inventory,
            layers: Periods::new(alive),
            lives,
            known,
            places: entries().map(|(place, entry)| (&entry.location, place)).collect(),
            made,
        }
    }

    /// Only the images and extractions for which `stays` is true.
    pub fn staying(&self, stays: impl Fn(&Location) -> bool) -> Staying<'_, 'a> {
        let location = |place: usize| &self.inventory.entries[place].location;
        let made = self.made.iter().filter(|(place, _)| stays(location(*place)));
        let known = made.clone().filter_map(|(place, made)| Some((made.ok()?, *place)));
        Staying {
            timeline: self,
            known: Periods::new(known),
            is_empty: made.clone().next().is_none(),
            unknown: made.clone().find_map(|(place, made)| Some((location(*place), made.err()?))),
        }
    }

    /// The layers that an image likely consists of, as indices in the inventory. `None` if the
    /// image's times prove nothing.
    pub fn layers_of(&self, image: &Location) -> Option<Vec<usize>> {
        let place = self.places.get(image)?;
        let index = self.made.binary_search_by_key(place, |(place, _)| *place).ok()?;
        let made = self.made[index].1.ok()?;
        Some(self.layers.overlapping(made))
    }

    /// The images and extractions that may use a layer, in the order of the inventory, kept or not.
    /// Empty if the layer's times prove nothing.
    pub fn made_of(&self, layer: &Location) -> Vec<&'a Location> {
        let life = self.lives.get(layer).and_then(|life| life.ok());
        let places = life.map(|life| self.known.overlapping(life)).unwrap_or_default();
        places.into_iter().map(|place| &self.inventory.entries[place].location).collect()
    }
}

/// The remaining images and extractions of a timeline, to find out which layers they need.
#[derive(Debug)]
pub struct Staying<'t, 'a> {
    timeline: &'t Timeline<'a>,
    known: Periods<usize>,
    is_empty: bool,
    /// The first one whose times prove nothing.
    unknown: Option<(&'a Location, UnknownReason)>,
}

impl Staying<'_, '_> {
    /// Whether these images and extractions need a layer.
    pub fn layer_status(&self, layer: &Entry) -> LayerStatus {
        let unknown = |reason, image: Option<&Location>| {
            LayerStatus::Unknown(UnknownLayer { reason, image: image.cloned() })
        };
        if !self.timeline.inventory.problems.is_empty() {
            return unknown(UnknownReason::Unreadable, None);
        }
        if self.is_empty {
            return LayerStatus::Unreferenced;
        }
        let life = self.timeline.lives.get(&layer.location).copied();
        let life = match life.unwrap_or(Err(UnknownReason::Unreadable)) {
            Ok(life) => life,
            Err(reason) => return unknown(reason, None),
        };
        match (self.known.count(life), self.unknown) {
            (count @ 1.., _) => LayerStatus::Referenced(count),
            (0, Some((image, reason))) => unknown(reason, Some(image)),
            (0, None) => LayerStatus::Unreferenced,
        }
    }

    /// Whether any of them uses a layer, or may do so as far as its times tell.
    pub(super) fn may_use(&self, layer: &Entry) -> bool {
        !self.is_empty && self.layer_status(layer) != LayerStatus::Unreferenced
    }
}

/// The period in which a layer could be used.
fn life(layer: &Entry, times: &Lifetimes, made: &Periods<usize>) -> Result<Period, UnknownReason> {
    let found = times.layers.get(&layer.location).ok_or(UnknownReason::Unreadable)?;
    let LayerTimes { born: Some(born), filled: Some(filled) } = *found else {
        return Err(UnknownReason::NoBirth);
    };
    if layer.last_used < filled || is_later(born, times, Folder::Layers) {
        return Err(UnknownReason::Contradiction);
    }
    let is_untouched = layer.last_used.duration_since(filled) <= TOUCH;
    if is_untouched && made.count(Period { start: born, end: born }) == 0 {
        return Err(UnknownReason::Untouched);
    }
    Ok(Period { start: born, end: layer.last_used })
}

/// When the oldest reference to each image was written.
fn oldest_refs(refs: &[Ref]) -> HashMap<&EntryName, Timestamp> {
    let mut oldest = HashMap::new();
    for found in refs {
        let written: &mut Timestamp =
            oldest.entry(found.digest.entry_name()).or_insert(found.modified);
        *written = found.modified.min(*written);
    }
    oldest
}

/// The period in which an image took in layers; open-ended while it is still being made.
fn making(
    entry: &Entry,
    oldest: &HashMap<&EntryName, Timestamp>,
    times: &Lifetimes,
) -> Result<Period, UnknownReason> {
    let ImageTimes { born, config } =
        *times.images.get(&entry.location).ok_or(UnknownReason::Unreadable)?;
    let start = born.ok_or(UnknownReason::NoBirth)?;
    // A file by that name in an extraction does not mark its end.
    let config = config.filter(|_| !entry.is_extraction());
    let end = match config.map(|config| config.born) {
        Some(None) => return Err(UnknownReason::NoBirth),
        Some(born) => born,
        None => None,
    };
    let contradicts = entry.last_used < end.unwrap_or(start)
        || end.is_some_and(|end| end < start || config.is_some_and(|config| config.modified < end))
        || is_later(start, times, Folder::Root)
        || oldest.get(entry.ref_name()).is_some_and(|written| *written < start);
    if contradicts {
        return Err(UnknownReason::Contradiction);
    }
    Ok(Period { start, end: end.unwrap_or(Timestamp::MAX) })
}

/// Whether an entry was made after the last change of its folder, which is impossible.
fn is_later(born: Timestamp, times: &Lifetimes, folder: Folder) -> bool {
    times.folders.get(&folder).is_none_or(|changed| born > *changed)
}
