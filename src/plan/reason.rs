//! Why an item is kept or removed: closed lists with stable names.

/// Why an item is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// A reference points at it.
    Referenced,
    /// It is leased.
    Leased,
    /// A process uses it.
    InUse,
    /// Something is mounted inside it.
    Mount,
    /// An image that was just pulled, whose ref may not be written yet, or any item used too
    /// recently for the user's settings.
    Recent,
    /// An orphan that nothing newer has replaced. Its owner may have dropped the reference and
    /// still want it.
    Unreplaced,
    /// An orphan without a config that was renamed into place a moment ago: a pull is about to
    /// write its reference.
    Arriving,
    /// A layer that none of the remaining images can use, but that the user did not ask to remove.
    Unreferenced,
    /// It is unknown whether it is still needed.
    Unknown,
    /// The system would refuse to remove it, or a ref that is removed with it.
    Unremovable,
}

impl KeepReason {
    /// The stable name of this reason, for JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Referenced => "referenced",
            Self::Leased => "leased",
            Self::InUse => "in-use",
            Self::Mount => "mount",
            // For a moment only, so users see it as recent.
            Self::Recent | Self::Arriving => "recent",
            Self::Unreplaced => "unreplaced",
            Self::Unreferenced => "unreferenced",
            Self::Unknown => "unknown",
            Self::Unremovable => "unremovable",
        }
    }
}

/// Why an item is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveReason {
    /// An image without a reference.
    Orphan,
    /// An interrupted gc had started to remove it.
    InterruptedGc,
    /// A layer that none of the remaining images can use.
    UnreferencedLayer,
    /// All layers are removed, needed or not.
    LayerCache,
    /// An abandoned extraction.
    AbandonedTemp,
    /// A ref whose image is gone.
    Dangling,
    /// Last used before the `--unused-for` limit.
    Unused,
    /// One of the least recently used images, removed to get the cache down to the user's limit.
    OverMaxSize,
    /// One of the least recently used images, removed to reach the free space that the user wants.
    BelowMinFree,
    /// The user asked to remove it.
    Chosen {
        /// Whether to remove it even if it is leased.
        despite_lease: bool,
    },
    /// The whole cache is removed.
    Purge,
}

impl RemoveReason {
    /// The stable name of this reason, for JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::InterruptedGc => "interrupted-gc",
            Self::UnreferencedLayer => "unreferenced-layer",
            Self::LayerCache => "layer-cache",
            Self::AbandonedTemp => "abandoned-temp",
            Self::Dangling => "dangling",
            Self::Unused => "unused",
            Self::OverMaxSize => "over-max-size",
            Self::BelowMinFree => "below-min-free",
            Self::Chosen { .. } => "chosen",
            Self::Purge => "purge",
        }
    }

    /// Whether this reason removes an image even if it is referenced. Its refs are removed with it.
    pub fn overrides_refs(self) -> bool {
        matches!(self, Self::Unused | Self::OverMaxSize | Self::BelowMinFree | Self::Chosen { .. })
    }
}

/// What to do with an item, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Keep it.
    Keep(KeepReason),
    /// Restore it to the place from which an interrupted gc had hidden it.
    Restore(KeepReason),
    /// Remove it.
    Remove(RemoveReason),
}

impl Verdict {
    /// Whether the item is kept or restored for this reason.
    pub fn keeps_for(self, reason: KeepReason) -> bool {
        self == Self::Keep(reason) || self == Self::Restore(reason)
    }

    /// Whether the item is removed.
    pub fn removes(self) -> bool {
        matches!(self, Self::Remove(_))
    }

    /// Whether the item is to be removed but could as well be removed later: it is whole, and this
    /// is no purge.
    pub(super) fn may_wait(self) -> bool {
        use RemoveReason::{InterruptedGc, Purge};
        matches!(self, Self::Remove(reason) if !matches!(reason, InterruptedGc | Purge))
    }

    /// Whether the item is removed even if it is referenced, or is a ref removed with its image.
    pub fn overrides_refs(self) -> bool {
        matches!(self, Self::Remove(reason) if reason.overrides_refs())
    }

    /// Whether the item is removed by a policy, not because the user asked for that item.
    pub fn is_policy(self) -> bool {
        use RemoveReason::{BelowMinFree, OverMaxSize, Unused};
        matches!(self, Self::Remove(Unused | OverMaxSize | BelowMinFree))
    }

    /// The stable name of the reason, for JSON and tables.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Keep(reason) | Self::Restore(reason) => reason.name(),
            Self::Remove(reason) => reason.name(),
        }
    }
}
