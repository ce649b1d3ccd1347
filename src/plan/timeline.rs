//! Which layers an image can be made of.
//!
//! Nothing on disk says so, but time does. A pull makes the directory of its rootfs before it
//! touches any layer, and the image's `.oci-config.json` after all of them; and each layer that it
//! uses is touched in between. So a layer that was made after the config, or was not touched any more
//! after the directory was made, is no part of the image. That is proof, not a guess, as long as the
//! times tell of the pull itself. A copy, a restored backup or a clock that was set has other times.
//! They contradict one another somewhere, and then nothing is concluded from them.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use jiff::{SignedDuration, Timestamp};

use super::periods::{Period, Periods};
use crate::cache::{
    Entry, EntryKind, EntryName, Folder, ImageTimes, Inventory, LayerTimes, Lifetimes, Location,
    Ref,
};

/// What is not touched for longer than that after it was filled may be a copy: a pull that extracts a
/// layer, touches it once more to use it.
const TOUCH: SignedDuration = SignedDuration::from_millis(10);

/// Whether a layer is needed: referenced, unreferenced or unknown. There will be no fourth answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerStatus {
    /// So many can be made of it: images, and extractions that will be. [`Timeline::made_of`] names
    /// them; to keep the names for every layer would take memory for each pair of layer and image.
    Referenced(usize),
    /// Nothing that stays can be made of it.
    Unreferenced,
    /// It is unknown.
    Unknown(UnknownLayer),
}

impl LayerStatus {
    /// Its stable name.
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
    /// What there is to doubt.
    pub reason: UnknownReason,
    /// About which image or extraction, if not about the layer itself.
    pub image: Option<Location>,
}

/// What there is to doubt about the times of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The file system does not say when it was made.
    NoBirth,
    /// Its times contradict one another: it was copied or restored, or the clock was set.
    Contradiction,
    /// It has not been touched since it was made, as if it were a copy.
    Untouched,
    /// It cannot be looked at, or is no directory.
    Unreadable,
}

impl UnknownReason {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBirth => "no-birth",
            Self::Contradiction => "contradiction",
            Self::Untouched => "untouched",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What is doubted, without the name of the image.
impl Display for UnknownReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBirth => "no time of birth",
            Self::Contradiction => "copied, or the clock was set",
            Self::Untouched => "not used since it was made",
            Self::Unreadable => "cannot be looked at",
        })
    }
}

/// When everything in a cache was made.
///
/// An image was made of layers from the birth of its directory to that of its config, or is still being made; a layer could be used
/// from its own birth on, and was used last at its modification time. A layer can belong to an image if the two overlap.
#[derive(Debug)]
pub struct Timeline<'a> {
    inventory: &'a Inventory,
    /// Of every image and extraction, hidden images included, by its place in the inventory.
    made: Vec<(usize, Result<Period, UnknownReason>)>,
    /// Of those, the ones whose times tell when.
    known: Periods<usize>,
    places: HashMap<&'a Location, usize>,
    lives: HashMap<&'a Location, Result<Period, UnknownReason>>,
    /// The layers that have a life, by their places in the inventory.
    layers: Periods<usize>,
}

impl<'a> Timeline<'a> {
    /// The timeline of what `inventory` lists; `times` are of the same cache.
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

    /// Only those images and extractions of which `stays` holds.
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

    /// The layers that an image is likely made of, by their places in the inventory. `None` if its
    /// times say nothing.
    pub fn layers_of(&self, image: &Location) -> Option<Vec<usize>> {
        let place = self.places.get(image)?;
        let index = self.made.binary_search_by_key(place, |(place, _)| *place).ok()?;
        let made = self.made[index].1.ok()?;
        Some(self.layers.overlapping(made))
    }

    /// The images and extractions that can be made of a layer, in the order of the inventory, whatever
    /// becomes of them. None if its times say nothing.
    pub fn made_of(&self, layer: &Location) -> Vec<&'a Location> {
        let life = self.lives.get(layer).and_then(|life| life.ok());
        let places = life.map(|life| self.known.overlapping(life)).unwrap_or_default();
        places.into_iter().map(|place| &self.inventory.entries[place].location).collect()
    }
}

/// The images and extractions of a timeline that stay, to be asked about layers.
#[derive(Debug)]
pub struct Staying<'t, 'a> {
    timeline: &'t Timeline<'a>,
    known: Periods<usize>,
    is_empty: bool,
    /// The first one whose times say nothing.
    unknown: Option<(&'a Location, UnknownReason)>,
}

impl Staying<'_, '_> {
    /// Where a layer stands.
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

    /// Whether any of them is made of a layer, or may be for all that its times say.
    pub(super) fn may_use(&self, layer: &Entry) -> bool {
        !self.is_empty && self.layer_status(layer) != LayerStatus::Unreferenced
    }
}

/// From when to when a layer could be used.
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

/// From when to when an image was made of layers; without an end, as long as that goes on.
fn making(
    entry: &Entry,
    oldest: &HashMap<&EntryName, Timestamp>,
    times: &Lifetimes,
) -> Result<Period, UnknownReason> {
    let ImageTimes { born, config } =
        *times.images.get(&entry.location).ok_or(UnknownReason::Unreadable)?;
    let start = born.ok_or(UnknownReason::NoBirth)?;
    // Whatever lies in an extraction by that name is not the end of it.
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

/// Whether something was made after its folder was changed last, which cannot be.
fn is_later(born: Timestamp, times: &Lifetimes, folder: Folder) -> bool {
    times.folders.get(&folder).is_none_or(|changed| born > *changed)
}
