//! Which layers an image can be made of.
//!
//! Nothing on disk says so, but time does. A pull makes the directory of its rootfs before it
//! touches any layer, and the image's `.oci-config.json` after all of them; and each layer that it
//! uses is touched in between. So a layer that was made after the config, or was not touched any more
//! after the directory was made, is no part of the image. That is proof, not a guess, as long as the
//! times tell of the pull itself. A copy, a restored backup or a clock that was set has other times.
//! They contradict one another somewhere, and then nothing is concluded from them.

use std::fmt::{self, Display, Formatter};

use jiff::{SignedDuration, Timestamp};

use crate::cache::{
    Entry, EntryKind, Folder, ImageTimes, Inventory, LayerTimes, Lifetimes, Location, Ref,
};

/// What is not touched for longer than that after it was filled may be a copy: whoever extracts a
/// layer, touches it once more to use it.
const TOUCH: SignedDuration = SignedDuration::from_millis(10);

/// Where a layer stands: needed, not needed, or nobody can tell. There will be no fourth answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerStatus {
    /// These can be made of it: images, and extractions that will be.
    Referenced(Vec<Location>),
    /// Nothing that stays can be made of it.
    Unreferenced,
    /// Nobody can tell.
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

/// Why nobody can tell what needs a layer.
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

/// From when to when an image was made of layers; no end, as long as that goes on.
#[derive(Clone, Copy, Debug)]
struct Period {
    start: Timestamp,
    end: Option<Timestamp>,
}

impl Period {
    fn contains(self, time: Timestamp) -> bool {
        self.start <= time && self.end.is_none_or(|end| time <= end)
    }
}

/// From when a layer could be used, and when it was used last.
#[derive(Clone, Copy, Debug)]
struct Life {
    first: Timestamp,
    last: Timestamp,
}

impl Life {
    /// Whether a layer can have been used for what was made in a period.
    fn can_belong_to(self, made: Period) -> bool {
        made.end.is_none_or(|end| self.first <= end) && self.last >= made.start
    }
}

/// When everything in a cache was made.
#[derive(Debug)]
pub struct Timeline<'a> {
    inventory: &'a Inventory,
    times: &'a Lifetimes,
    /// Of every image and extraction, hidden images included.
    made: Vec<(&'a Location, Result<Period, UnknownReason>)>,
}

impl<'a> Timeline<'a> {
    /// The timeline of what `inventory` lists; `times` are of the same cache.
    pub fn new(inventory: &'a Inventory, times: &'a Lifetimes) -> Self {
        let images = inventory.entries.iter().filter(|entry| entry.is_rootfs());
        let made = images.map(|entry| (&entry.location, period(entry, inventory, times)));
        Self { inventory, times, made: made.collect() }
    }

    /// Where a layer stands if only those images and extractions count of which `stays` holds.
    pub fn layer_status(&self, layer: &Entry, stays: impl Fn(&Location) -> bool) -> LayerStatus {
        let unknown = |reason, image: Option<&Location>| {
            LayerStatus::Unknown(UnknownLayer { reason, image: image.cloned() })
        };
        if !self.inventory.problems.is_empty() {
            return unknown(UnknownReason::Unreadable, None);
        }
        let roots: Vec<_> = self.made.iter().filter(|(image, _)| stays(image)).collect();
        let life = match self.life(layer) {
            _ if roots.is_empty() => return LayerStatus::Unreferenced,
            Ok(life) => life,
            Err(reason) => return unknown(reason, None),
        };
        let holds = |made: &Result<_, _>| made.is_ok_and(|made| life.can_belong_to(made));
        let holders: Vec<_> = roots.iter().filter(|(_, made)| holds(made)).collect();
        if !holders.is_empty() {
            return LayerStatus::Referenced(
                holders.iter().map(|(image, _)| (*image).clone()).collect(),
            );
        }
        match roots.iter().find_map(|(image, made)| Some((image, made.err()?))) {
            Some((image, reason)) => unknown(reason, Some(image)),
            None => LayerStatus::Unreferenced,
        }
    }

    /// The layers that an image is likely made of, by their places in the inventory. `None` if its
    /// times say nothing.
    pub fn layers_of(&self, image: &Location) -> Option<Vec<usize>> {
        let (_, made) = self.made.iter().find(|(made, _)| *made == image)?;
        let made = made.ok()?;
        let can_belong =
            |layer: &Entry| self.life(layer).is_ok_and(|life| life.can_belong_to(made));
        let entries = self.inventory.entries.iter().enumerate();
        let layers = entries.filter(|(_, entry)| matches!(entry.kind, EntryKind::Layer(_)));
        Some(layers.filter(|(_, layer)| can_belong(layer)).map(|(place, _)| place).collect())
    }

    fn life(&self, layer: &Entry) -> Result<Life, UnknownReason> {
        let times = self.times.layers.get(&layer.location).ok_or(UnknownReason::Unreadable)?;
        let LayerTimes { born: Some(born), filled: Some(filled) } = *times else {
            return Err(UnknownReason::NoBirth);
        };
        if layer.last_used < filled || is_later(born, self.times, Folder::Layers) {
            return Err(UnknownReason::Contradiction);
        }
        let made = || self.made.iter().filter_map(|(_, made)| made.ok());
        let is_untouched = layer.last_used.duration_since(filled) <= TOUCH;
        if is_untouched && !made().any(|period| period.contains(born)) {
            return Err(UnknownReason::Untouched);
        }
        Ok(Life { first: born, last: layer.last_used })
    }
}

/// When an image was made.
fn period(
    entry: &Entry,
    inventory: &Inventory,
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
    let name = entry.ref_name();
    let is_older = |found: &Ref| found.digest.entry_name() == name && found.modified < start;
    let contradicts = entry.last_used < end.unwrap_or(start)
        || end.is_some_and(|end| end < start || config.is_some_and(|config| config.modified < end))
        || is_later(start, times, Folder::Root)
        || inventory.refs.refs.iter().any(is_older);
    if contradicts { Err(UnknownReason::Contradiction) } else { Ok(Period { start, end }) }
}

/// Whether something was made after its folder was changed last, which cannot be.
fn is_later(born: Timestamp, times: &Lifetimes, folder: Folder) -> bool {
    times.folders.get(&folder).is_none_or(|changed| born > *changed)
}
