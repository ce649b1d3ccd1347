//! The difference in size.

use std::ops::{AddAssign, SubAssign};

/// The difference between two trees in bytes on disk. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delta {
    /// Files and directories that only the new tree has.
    pub came: u64,
    /// Files and directories that only the old tree has.
    pub went: u64,
    /// Growth of files and directories that both trees have.
    pub grew: i64,
    /// Bytes of files moved in, minus bytes of files moved out.
    pub moved: i64,
}

impl Delta {
    pub(super) fn came(bytes: u64) -> Self {
        Self { came: bytes, ..Self::default() }
    }

    pub(super) fn went(bytes: u64) -> Self {
        Self { went: bytes, ..Self::default() }
    }

    pub(super) fn grew(old: u64, new: u64) -> Self {
        Self { grew: difference(new, old), ..Self::default() }
    }

    /// By how much the new tree is larger. Negative if it is smaller.
    pub fn net(&self) -> i64 {
        difference(self.came, self.went).saturating_add(self.grew).saturating_add(self.moved)
    }

    /// Total change, regardless of direction. Excludes moved files.
    pub fn extent(&self) -> u64 {
        let both = self.came.saturating_add(self.went);
        both.saturating_add(self.grew.unsigned_abs())
    }
}

/// `one - other`, clamped to the range of the type.
pub(super) fn difference(one: u64, other: u64) -> i64 {
    let difference = i128::from(one) - i128::from(other);
    difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

impl AddAssign for Delta {
    fn add_assign(&mut self, other: Self) {
        self.came = self.came.saturating_add(other.came);
        self.went = self.went.saturating_add(other.went);
        self.grew = self.grew.saturating_add(other.grew);
        self.moved = self.moved.saturating_add(other.moved);
    }
}

impl SubAssign for Delta {
    fn sub_assign(&mut self, other: Self) {
        self.came = self.came.saturating_sub(other.came);
        self.went = self.went.saturating_sub(other.went);
        self.grew = self.grew.saturating_sub(other.grew);
        self.moved = self.moved.saturating_sub(other.moved);
    }
}
