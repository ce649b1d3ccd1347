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
    /// It goes back to its place, from which an interrupted collection had hidden it: a ref names
    /// it.
    Restore,
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
            Self::Keep(KeepReason::Referenced) | Self::Restore => "referenced",
            Self::Keep(KeepReason::Locked) => "locked",
            Self::Keep(KeepReason::InUse) => "in-use",
            Self::Keep(KeepReason::Mount) => "mount",
            Self::Keep(KeepReason::Recent) => "recent",
            Self::Keep(KeepReason::Unknown) => "unknown",
            Self::Remove(RemoveReason::Orphan) => "orphan",
            Self::Remove(RemoveReason::InterruptedGc) => "interrupted-gc",
            Self::Remove(RemoveReason::Purge) => "purge",
        }
    }
}
