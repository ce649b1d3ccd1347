//! What a removal gives back, between two bounds.

use std::ops::{Add, AddAssign};

use bytesize::ByteSize;

/// What the metadata of a file or directory takes at most, on the average, in bytes: 1.9 KiB were
/// measured on btrfs, 0.6 KiB on XFS.
const METADATA: u64 = 2048;
/// What may come and go besides: journals, metadata that is written anew, and what others write and
/// remove meanwhile on a system that does not stand still.
const BESIDES: u64 = 64 << 20;

/// Bytes on disk that a removal gives back, as far as the file system tells: two bounds. By default,
/// none.
///
/// ```
/// use bbox_cache::bytesize::ByteSize;
/// use bbox_cache::usage::Estimate;
///
/// let one = Estimate::exactly(ByteSize::mib(800));
/// let other = Estimate { certain: ByteSize::mib(12), at_most: ByteSize::mib(690) };
/// let both = one + other;
/// assert!(one.is_exact() && !both.is_exact());
/// assert_eq!(both.certain, ByteSize::mib(812));
/// // Of one of them it is certain what it gives back, so the rest is what the other one gives.
/// assert_eq!(both.beyond(one), other);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// At least that much.
    pub certain: ByteSize,
    /// No more than that. On btrfs, an extent of which files hold only parts may come back as a
    /// whole, and be more.
    pub at_most: ByteSize,
}

impl Estimate {
    /// Both figures are this one.
    pub fn exactly(bytes: ByteSize) -> Self {
        Self { certain: bytes, at_most: bytes }
    }

    /// Whether it is one figure.
    pub fn is_exact(&self) -> bool {
        self.certain == self.at_most
    }

    /// The same if no more than `bytes` were there.
    pub fn capped(self, bytes: ByteSize) -> Self {
        Self { certain: self.certain.min(bytes), at_most: self.at_most.min(bytes) }
    }

    /// Bytes that come back besides `part`, which is in it.
    pub fn beyond(self, part: Self) -> Self {
        let less = |whole: ByteSize, part: ByteSize| {
            ByteSize::b(whole.as_u64().saturating_sub(part.as_u64()))
        };
        Self {
            certain: less(self.certain, part.at_most),
            at_most: less(self.at_most, part.certain),
        }
    }

    /// Whether it agrees with the bytes that the file system says have come back (fewer than none, if
    /// it has got fuller) with so many files and directories, whose metadata it counts, too.
    pub fn agrees_with(&self, freed: i64, entries: u64) -> bool {
        let metadata = i128::from(BESIDES) + i128::from(METADATA) * i128::from(entries);
        let freed = i128::from(freed);
        i128::from(self.certain.as_u64()) - metadata <= freed
            && freed <= i128::from(self.at_most.as_u64()) + metadata
    }
}

impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { certain: self.certain + other.certain, at_most: self.at_most + other.at_most }
    }
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_what_others_do_explain_no_more_than_they_can() {
        const MIB: i64 = 1 << 20;
        let bounds = |certain, at_most| Estimate {
            certain: ByteSize::mib(certain),
            at_most: ByteSize::mib(at_most),
        };
        for (certain, at_most, freed, entries, agrees) in [
            (100, 100, 100 * MIB, 0, true),
            (100, 100, 164 * MIB, 0, true),
            (100, 100, 164 * MIB + 1, 0, false),
            (100, 100, 164 * MIB + 2048, 1, true),
            (100, 100, 36 * MIB, 0, true),
            (100, 100, 36 * MIB - 1, 0, false),
            (100, 800, 500 * MIB, 0, true),
            (0, 0, -65 * MIB, 0, false),
        ] {
            let found = bounds(certain, at_most).agrees_with(freed, entries);
            assert_eq!(found, agrees, "{certain} to {at_most}: {freed}, {entries} entries");
        }
    }
}
