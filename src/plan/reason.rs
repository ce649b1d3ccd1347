//! Why something stays or goes: closed lists with stable names.

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// A ref names it.
    Referenced,
    /// Somebody holds a lease on it.
    Locked,
    /// A running process uses it.
    InUse,
    /// Something is mounted in it.
    Mount,
    /// It has only just arrived, and its ref may be on the way; or it was used more recently than
    /// the user wants to lose anything.
    Recent,
    /// Nobody can say whether it is still needed.
    Unknown,
}

impl KeepReason {
    /// The reason's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Referenced => "referenced",
            Self::Locked => "locked",
            Self::InUse => "in-use",
            Self::Mount => "mount",
            Self::Recent => "recent",
            Self::Unknown => "unknown",
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
    /// The whole cache goes.
    Purge,
}

/// What is to be done with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(KeepReason),
    /// It goes back to its place, from which an interrupted collection had hidden it.
    Restore(KeepReason),
    /// It goes.
    Remove(RemoveReason),
}

impl Verdict {
    /// Whether the thing goes.
    pub fn removes(self) -> bool {
        matches!(self, Self::Remove(_))
    }

    /// The reason's stable name.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Keep(reason) | Self::Restore(reason) => reason.name(),
            Self::Remove(RemoveReason::Orphan) => "orphan",
            Self::Remove(RemoveReason::InterruptedGc) => "interrupted-gc",
            Self::Remove(RemoveReason::Purge) => "purge",
        }
    }
}
