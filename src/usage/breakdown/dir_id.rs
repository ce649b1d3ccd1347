//! How the directories of a tree are called while it is walked.

/// The number of a directory in its tree. The directory that it lies in has a smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirId(pub(super) usize);

impl DirId {
    /// The top, or the whole tree if it is a single file.
    pub const TOP: Self = Self(0);
}
