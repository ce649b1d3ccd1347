//! What a removal gives back, between two bounds.

use std::ops::{Add, AddAssign};

use bytesize::ByteSize;

use super::size::{Size, sum};

/// What the metadata of a file or directory takes at most, on the average, in bytes: 1.9 KiB were
/// measured on btrfs, 0.6 KiB on XFS.
const METADATA: u64 = 2048;
/// What may come and go besides: journals, metadata that is written anew, and what others write and
/// remove meanwhile on a system that does not stand still. Never more than half of what it is beside.
const BESIDES: u64 = 64 << 20;

/// Bytes on disk that a removal gives back, as far as the file system tells: two bounds, and whether
/// everything could be read. By default, none.
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
/// The bounds of what could only be read in part are no upper bounds, so they are no plain numbers:
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

    /// Both bounds are this one.
    pub fn exactly(bytes: ByteSize) -> Self {
        Self::from(Size::exactly(bytes))
    }

    /// At least that much.
    pub fn certain(&self) -> ByteSize {
        self.certain
    }

    /// No more than that, if it is complete. On btrfs, an extent of which files hold only parts may
    /// come back as a whole, and be more.
    pub fn at_most(&self) -> Size {
        Size::new(self.at_most, self.is_complete)
    }

    /// Whether everything could be read that it is about.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether both bounds are one figure, be it a lower bound of what could only be read in part.
    pub fn is_one_figure(&self) -> bool {
        self.certain == self.at_most
    }

    /// The estimate if no more than `bytes` were there, which is an upper bound in any case.
    pub fn capped(self, bytes: ByteSize) -> Self {
        let at_most = if self.is_complete { self.at_most.min(bytes) } else { bytes };
        Self { certain: self.certain.min(bytes), at_most, is_complete: true }
    }

    /// That much, or up to `more` bytes besides.
    pub fn or_up_to(self, more: ByteSize) -> Self {
        Self { at_most: sum(self.at_most, more), ..self }
    }

    /// Bytes that come back besides `part`, which is in it.
    pub(super) fn beyond(self, part: Self) -> Self {
        let less = |whole: ByteSize, part: ByteSize| {
            ByteSize::b(whole.as_u64().saturating_sub(part.as_u64()))
        };
        let certain = less(self.certain, part.at_most);
        Self { certain, at_most: less(self.at_most, part.certain), ..self }
    }

    /// Whether it agrees with the bytes that the file system says have come back (fewer than none, if
    /// it has got fuller) with so many files and directories. Their metadata comes back, too, so it explains
    /// more, and nothing that is missing.
    pub fn agrees_with(&self, freed: i64, entries: u64) -> bool {
        let besides = |bytes: ByteSize| i128::from(BESIDES.min(bytes.as_u64() / 2));
        let least = i128::from(self.certain.as_u64()) - besides(self.certain);
        let metadata = i128::from(METADATA) * i128::from(entries);
        let most = i128::from(self.at_most.as_u64()) + besides(self.at_most) + metadata;
        let freed = i128::from(freed);
        least <= freed && (!self.is_complete || freed <= most)
    }
}

/// One figure, which is as complete as the size.
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
    fn metadata_and_what_others_do_explain_no_more_than_they_can() {
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
            // As an overlay over a file system on which all of it is shared.
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
    fn what_could_only_be_read_in_part_is_a_lower_bound_until_something_else_is_an_upper_one() {
        let mib = ByteSize::mib;
        let partial = Estimate::from(Size::new(mib(10), false));
        let sum = partial + Estimate::exactly(mib(1)).or_up_to(mib(2));
        assert_eq!((sum.certain(), sum.at_most()), (mib(11), Size::new(mib(13), false)));
        assert!(sum.agrees_with(1 << 40, 0) && !sum.agrees_with(-(1 << 40), 0));
        assert_eq!(sum.capped(mib(50)), Estimate::new(mib(11), Size::exactly(mib(50))));
        assert_eq!(Estimate::exactly(mib(5)).capped(mib(3)), Estimate::exactly(mib(3)));
    }

    #[test]
    fn what_comes_back_besides_a_part_is_the_rest() {
        let [one, other] = [800, 12].map(|certain| Estimate::exactly(ByteSize::mib(certain)));
        let other = other.or_up_to(ByteSize::mib(678));
        assert_eq!((one + other).beyond(one), other);
    }
}
