//! How much a removal frees, between two bounds.

use std::ops::{Add, AddAssign};

use bytesize::ByteSize;

use super::size::{Size, sum};

/// An upper bound on the average metadata of a file or directory, in bytes. 1.9 KiB were measured
/// on btrfs, 0.6 KiB on XFS.
const METADATA: u64 = 2048;
/// How much else may be allocated or freed meanwhile: journals, rewritten metadata, and files that
/// others write and remove on a busy system. Never counted for more than half of the figure itself.
const BESIDES: u64 = 64 << 20;

/// Bytes on disk that a removal frees, as far as the file system tells: a lower and an upper bound,
/// and whether everything could be read. The default is 0.
///
/// ```
/// use bbox_cache::bytesize::ByteSize;
/// use bbox_cache::usage::Estimate;
///
/// let one = Estimate::exactly(ByteSize::mib(800));
/// let other = Estimate::exactly(ByteSize::mib(12)).or_up_to(ByteSize::mib(678));
/// let both = one + other;
/// assert!(one.is_one_figure() && !both.is_one_figure());
/// assert_eq!(both.certain(), ByteSize::mib(812));
/// assert_eq!(both.at_most().exact(), Some(ByteSize::mib(1490)));
/// ```
///
/// If something could not be read, the upper bound is not reliable, so it is not a plain number:
///
/// ```compile_fail
/// # use bbox_cache::usage::Estimate;
/// # fn print(estimate: Estimate) {
/// println!("{}", estimate.at_most());
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    certain: ByteSize,
    at_most: ByteSize,
    is_complete: bool,
}

impl Estimate {
    pub(super) fn new(certain: ByteSize, at_most: Size) -> Self {
        Self { certain, at_most: at_most.at_least(), is_complete: at_most.is_complete() }
    }

    /// Both bounds are `bytes`.
    pub fn exactly(bytes: ByteSize) -> Self {
        Self::from(Size::exactly(bytes))
    }

    /// The lower bound.
    pub fn certain(&self) -> ByteSize {
        self.certain
    }

    /// The upper bound, if complete. On btrfs more may be freed, because an extent of which files
    /// use only parts may be freed as a whole.
    pub fn at_most(&self) -> Size {
        Size::new(self.at_most, self.is_complete)
    }

    /// Whether everything concerned could be read.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether both bounds are equal. If the estimate is incomplete, they are still only a lower
    /// bound.
    pub fn is_one_figure(&self) -> bool {
        self.certain == self.at_most
    }

    /// Limits both bounds to `bytes`, which is always a valid upper bound.
    pub fn capped(self, bytes: ByteSize) -> Self {
        let at_most = if self.is_complete { self.at_most.min(bytes) } else { bytes };
        Self { certain: self.certain.min(bytes), at_most, is_complete: true }
    }

    /// Raises the upper bound by `more` bytes.
    pub fn or_up_to(self, more: ByteSize) -> Self {
        Self { at_most: sum(self.at_most, more), ..self }
    }

    /// Bytes freed in addition to `part`, which this estimate includes.
    pub(super) fn beyond(self, part: Self) -> Self {
        let less = |whole: ByteSize, part: ByteSize| {
            ByteSize::b(whole.as_u64().saturating_sub(part.as_u64()))
        };
        let certain = less(self.certain, part.at_most);
        Self { certain, at_most: less(self.at_most, part.certain), ..self }
    }

    /// Whether the estimate is consistent with the bytes that the file system reports as freed
    /// (negative if it is fuller now) for this many files and directories. Their metadata is freed,
    /// too, so it explains additional bytes but no missing ones.
    pub fn agrees_with(&self, freed: i64, entries: u64) -> bool {
        let besides = |bytes: ByteSize| i128::from(BESIDES.min(bytes.as_u64() / 2));
        let least = i128::from(self.certain.as_u64()) - besides(self.certain);
        let metadata = i128::from(METADATA) * i128::from(entries);
        let most = i128::from(self.at_most.as_u64()) + besides(self.at_most) + metadata;
        let freed = i128::from(freed);
        least <= freed && (!self.is_complete || freed <= most)
    }
}

/// Both bounds are the size. As complete as the size.
impl From<Size> for Estimate {
    fn from(size: Size) -> Self {
        Self::new(size.at_least(), size)
    }
}

impl Default for Estimate {
    fn default() -> Self {
        Self::from(Size::default())
    }
}

/// The sum is complete if both are.
impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(sum(self.certain, other.certain), self.at_most() + other.at_most())
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
    fn metadata_and_other_activity_explain_only_so_much() {
        const MIB: i64 = 1 << 20;
        let bounds = |certain, at_most| {
            Estimate::new(ByteSize::mib(certain), Size::exactly(ByteSize::mib(at_most)))
        };
        for (certain, at_most, freed, entries, agrees) in [
            (100, 100, 100 * MIB, 0, true),
            (200, 200, 264 * MIB, 0, true),
            (200, 200, 264 * MIB + 1, 0, false),
            (200, 200, 264 * MIB + 2048, 1, true),
            (200, 200, 136 * MIB, 0, true),
            (200, 200, 136 * MIB - 1, 0, false),
            (200, 200, 136 * MIB - 1, 1, false),
            // Like an overlay on a file system that shares all of it.
            (48, 48, 80 << 10, 10_000, false),
            (48, 48, 24 * MIB, 0, true),
            (48, 48, 72 * MIB + 1, 0, false),
            (0, 48, 80 << 10, 10_000, true),
            (100, 800, 500 * MIB, 0, true),
            (0, 0, -1, 0, false),
            (0, 0, 2048, 1, true),
        ] {
            let found = bounds(certain, at_most).agrees_with(freed, entries);
            assert_eq!(found, agrees, "{certain} to {at_most}: {freed}, {entries} entries");
        }
    }

    #[test]
    fn a_partial_estimate_is_a_lower_bound_until_capped() {
        let mib = ByteSize::mib;
        let partial = Estimate::from(Size::new(mib(10), false));
        let sum = partial + Estimate::exactly(mib(1)).or_up_to(mib(2));
        assert_eq!((sum.certain(), sum.at_most()), (mib(11), Size::new(mib(13), false)));
        assert!(sum.agrees_with(1 << 40, 0) && !sum.agrees_with(-(1 << 40), 0));
        assert_eq!(sum.capped(mib(50)), Estimate::new(mib(11), Size::exactly(mib(50))));
        assert_eq!(Estimate::exactly(mib(5)).capped(mib(3)), Estimate::exactly(mib(3)));
    }

    #[test]
    fn the_bytes_beyond_a_part_are_the_rest() {
        let [one, other] = [800, 12].map(|certain| Estimate::exactly(ByteSize::mib(certain)));
        let other = other.or_up_to(ByteSize::mib(678));
        assert_eq!((one + other).beyond(one), other);
    }
}
