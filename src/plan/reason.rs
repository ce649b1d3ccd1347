//! Why something stays or goes: closed lists with stable names.

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// A ref names it.
    Referenced,
    /// It is leased.
    Leased,
    /// A running process uses it.
    InUse,
    /// Something is mounted in it.
    Mount,
    /// It has only just arrived, and its ref may be on the way; or it was used more recently than
    /// the user wants to lose anything.
    Recent,
    /// An orphan that nothing newer has replaced: its owner may have dropped the reference and still want it.
    Unreplaced,
    /// An orphan without a config that was renamed into its place a moment ago: a pull is about to write its reference.
    Arriving,
    /// A layer that no image which stays can be made of, but the user has not asked for it.
    Unreferenced,
    /// It is unknown whether it is still needed.
    Unknown,
    /// The system would refuse to remove it, or a ref that goes with it.
    Unremovable,
}

impl KeepReason {
    /// The reason's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Referenced => "referenced",
            Self::Leased => "leased",
            Self::InUse => "in-use",
            Self::Mount => "mount",
            // For a moment, it is just recent.
            Self::Recent | Self::Arriving => "recent",
            Self::Unreplaced => "unreplaced",
            Self::Unreferenced => "unreferenced",
            Self::Unknown => "unknown",
            Self::Unremovable => "unremovable",
        }
    }
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveReason {
    /// An image that no ref names.
    Orphan,
    /// A collection that was interrupted had begun to remove it.
    InterruptedGc,
    /// A layer that no image which stays can be made of.
    UnreferencedLayer,
    /// The whole cache of layers goes.
    LayerCache,
    /// An abandoned extraction.
    AbandonedTemp,
    /// A ref whose image is gone.
    Dangling,
    /// Last used before the `--unused-for` limit.
    Unused,
    /// One of the images that were used least recently, without which the cache is as small as the
    /// user wants it.
    OverMaxSize,
    /// One of the images that were used least recently, without which as much of the file system is available as the
    /// user wants.
    BelowMinFree,
    /// The user has named it.
    Chosen {
        /// Whether it is removed even if it is leased.
        despite_lease: bool,
    },
    /// The whole cache goes.
    Purge,
}

impl RemoveReason {
    /// The reason's stable name.
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

    /// Whether an image goes for this reason although refs name it. Those go with it.
    pub fn overrides_refs(self) -> bool {
        matches!(self, Self::Unused | Self::OverMaxSize | Self::BelowMinFree | Self::Chosen { .. })
    }
}

/// What is to be done with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It stays.
    Keep(KeepReason),
    /// It goes back to its place, from which an interrupted collection had hidden it.
    Restore(KeepReason),
    /// It goes.
    Remove(RemoveReason),
}

impl Verdict {
    /// Whether the thing stays, or comes back, for this reason.
    pub fn keeps_for(self, reason: KeepReason) -> bool {
        self == Self::Keep(reason) || self == Self::Restore(reason)
    }

    /// Whether the thing goes.
    pub fn removes(self) -> bool {
        matches!(self, Self::Remove(_))
    }

    /// Whether the thing would go and nothing is lost if it does so later: it is whole, and no purge
    /// wants all of it gone.
    pub(super) fn may_wait(self) -> bool {
        use RemoveReason::{InterruptedGc, Purge};
        matches!(self, Self::Remove(reason) if !matches!(reason, InterruptedGc | Purge))
    }

    /// Whether the thing goes although refs name it, or is such a ref.
    pub fn overrides_refs(self) -> bool {
        matches!(self, Self::Remove(reason) if reason.overrides_refs())
    }

    /// Whether the thing goes because of a policy, and not because it was named.
    pub fn is_policy(self) -> bool {
        use RemoveReason::{BelowMinFree, OverMaxSize, Unused};
        matches!(self, Self::Remove(Unused | OverMaxSize | BelowMinFree))
    }

    /// The reason's stable name.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Keep(reason) | Self::Restore(reason) => reason.name(),
            Self::Remove(reason) => reason.name(),
        }
    }
}
