//! What the user wants of a collection.

use std::collections::HashSet;

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};

use super::reason::RemoveReason;
use crate::cache::{Disk, Location, Pattern};

/// How long an orphan and a layer stay after their last use, by default. The owner drops a reference for as long as it
/// asks the registry, at most five minutes, and writes it back.
const KEEP_RECENT: SignedDuration = SignedDuration::from_mins(10);
/// How long nothing in an extraction must have changed for it to count as abandoned, by default.
const TEMP_AGE: SignedDuration = SignedDuration::from_hours(24);

/// The user's wishes. By default: orphans, leftovers and dangling references go, layers stay.
///
/// ```
/// use bbox_cache::jiff::SignedDuration;
/// use bbox_cache::plan::{GcOptions, LayerChoice};
///
/// let mut options = GcOptions::default();
/// options.keep_recent = SignedDuration::from_hours(36);
/// options.layers = LayerChoice::Unreferenced;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GcOptions {
    /// An orphan or a layer stays if it was used within this time, or if its last use lies in the future: 10 minutes
    /// by default, zero for none.
    pub keep_recent: SignedDuration,
    /// Every orphan goes that is not recent and that nothing needs, replaced or not: not by default.
    pub all: bool,
    /// An image goes although it is referenced if it was not used within this time. `None`: no image does.
    pub unused_for: Option<SignedDuration>,
    /// Until this is met, unreferenced layers go, then the other layers, then images although they are referenced; in each
    /// group, those that were used least recently. `None`: no limit.
    pub limit: Option<Limit>,
    /// These layers go, and these images although they are referenced, as if the limit had chosen them.
    pub evicted: HashSet<Location>,
    /// Images of which a reference matches one of these stay, whatever the limits are. None by default.
    pub exclude: Vec<Pattern>,
    /// No image that is referenced or unreplaced goes, whatever the limits are: not by default.
    pub keep_wanted: bool,
    /// An extraction is abandoned if nothing in it has changed for this long: 24 hours by default.
    pub temp_age: SignedDuration,
    /// Which layers go: none by default.
    pub layers: LayerChoice,
}

impl GcOptions {
    /// Whether what was used at `last_used` stays for that.
    pub(super) fn is_recent(&self, last_used: Timestamp, now: Timestamp) -> bool {
        !self.keep_recent.is_zero() && now.duration_since(last_used) < self.keep_recent
    }

    /// Why an image goes that the limit has chosen.
    pub(super) fn reason_to_evict(&self) -> RemoveReason {
        match self.limit {
            Some(Limit::MinFree(_)) => RemoveReason::BelowMinFree,
            Some(Limit::MaxSize(_)) | None => RemoveReason::OverMaxSize,
        }
    }

    /// Which layers go, as far as it is about the one at `layer`.
    pub(super) fn choice_for(&self, layer: &Location) -> LayerChoice {
        if self.evicted.contains(layer) { LayerChoice::All } else { self.layers }
    }
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            keep_recent: KEEP_RECENT,
            all: false,
            unused_for: None,
            limit: None,
            evicted: HashSet::new(),
            exclude: Vec::new(),
            keep_wanted: false,
            temp_age: TEMP_AGE,
            layers: LayerChoice::None,
        }
    }
}

/// What a collection has to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// What the cache may occupy at most.
    MaxSize(ByteSize),
    /// What has to be available on its file system.
    MinFree(Room),
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Room {
    /// So many bytes.
    Bytes(ByteSize),
    /// So many hundredths of the whole file system.
    Percent(u8),
}

impl Room {
    /// In bytes, on this file system.
    pub fn on(self, disk: &Disk) -> ByteSize {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => {
                let bytes = u128::from(disk.size.as_u64()) * u128::from(percent) / 100;
                ByteSize::b(bytes.try_into().unwrap_or(u64::MAX))
            }
        }
    }
}

/// Which layers are to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerChoice {
    /// None.
    #[default]
    None,
    /// Those that nothing which stays can be made of.
    Unreferenced,
    /// All but those that are in use.
    All,
}
