//! IDs of directories during a walk.

/// The ID of a directory in its tree, greater than that of its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirId(pub(super) usize);

impl DirId {
    /// The top directory, or the whole tree if it is a single file.
    pub const TOP: Self = Self(0);
}
