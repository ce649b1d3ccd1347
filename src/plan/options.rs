//! The user's options for a collection.

use std::collections::HashSet;

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};

use super::reason::RemoveReason;
use crate::cache::{Disk, Location, Pattern};

/// How long orphans and layers are kept after their last use, by default. The owner drops a
/// reference while it queries the registry, for at most five minutes, and then writes it back.
const KEEP_RECENT: SignedDuration = SignedDuration::from_mins(10);
/// How long an extraction must have been unchanged to count as abandoned, by default.
const TEMP_AGE: SignedDuration = SignedDuration::from_hours(24);

/// The user's options. By default, orphans, leftovers and dangling references are removed, and
/// layers are kept.
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
    /// Keep orphans and layers that were last used within this time or in the future. 10 minutes by
    /// default; zero disables this.
    pub keep_recent: SignedDuration,
    /// Remove every orphan that is neither recent nor needed, replaced or not. Off by default.
    pub all: bool,
    /// Also remove referenced images that were not used within this time. `None` (the default): no
    /// limit.
    pub unused_for: Option<SignedDuration>,
    /// Until this limit is met, remove unreferenced layers, then the other layers, then even
    /// referenced images. Within each group, the least recently used are removed first. `None` (the
    /// default): no limit.
    pub limit: Option<Limit>,
    /// Layers and images to remove as if the limit had chosen them, even if they are referenced.
    /// Empty by default.
    pub evicted: HashSet<Location>,
    /// Keep images with a reference that matches one of these, whatever the limits. Empty by
    /// default.
    pub exclude: Vec<Pattern>,
    /// Keep all referenced and unreplaced images, whatever the limits. Off by default.
    pub keep_wanted: bool,
    /// How long an extraction must have been unchanged to count as abandoned. 24 hours by default.
    pub temp_age: SignedDuration,
    /// Which layers to remove. None by default.
    pub layers: LayerChoice,
}

impl GcOptions {
    /// Whether `keep_recent` protects an item last used at `last_used`.
    pub(super) fn is_recent(&self, last_used: Timestamp, now: Timestamp) -> bool {
        !self.keep_recent.is_zero() && now.duration_since(last_used) < self.keep_recent
    }

    /// The reason for removing an image that the limit has chosen.
    pub(super) fn reason_to_evict(&self) -> RemoveReason {
        match self.limit {
            Some(Limit::MinFree(_)) => RemoveReason::BelowMinFree,
            Some(Limit::MaxSize(_)) | None => RemoveReason::OverMaxSize,
        }
    }

    /// Which layers to remove, as it applies to the one at `layer`.
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

/// A limit for a collection to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The maximum size of the cache on disk.
    MaxSize(ByteSize),
    /// The minimum free space on its file system.
    MinFree(Room),
}

/// An amount of space on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Room {
    /// In bytes.
    Bytes(ByteSize),
    /// In percent of the whole file system.
    Percent(u8),
}

impl Room {
    /// The number of bytes on this file system.
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

/// Which layers to remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerChoice {
    /// No layers.
    #[default]
    None,
    /// Those that none of the remaining images and extractions can use.
    Unreferenced,
    /// All that are not in use.
    All,
}
