//! A number of bytes that knows whether it is complete.

use std::iter::Sum;
use std::ops::Add;

use bytesize::ByteSize;

/// A number of bytes, and whether it is complete. If something could not be read, it is a lower
/// bound.
///
/// It is deliberately not a [`ByteSize`], so it cannot be printed as if it were exact. A caller has
/// to choose between [`Size::at_least`] and [`Size::exact`].
///
/// ```
/// use bbox_cache::bytesize::ByteSize;
/// use bbox_cache::usage::Size;
///
/// let size = Size::exactly(ByteSize::mib(800));
/// assert_eq!(size.exact(), Some(size.at_least()));
/// ```
///
/// ```compile_fail
/// # use bbox_cache::usage::Usage;
/// # fn print(usage: Usage) {
/// println!("{}", usage.on_disk());
/// # }
/// ```
///
/// ```compile_fail
/// # use bbox_cache::usage::Usage;
/// # fn print(usage: Usage) {
/// println!("{}", usage.on_disk);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    bytes: ByteSize,
    is_complete: bool,
}

impl Size {
    /// A complete number of bytes.
    pub fn exactly(bytes: ByteSize) -> Self {
        Self::new(bytes, true)
    }

    /// The largest possible number means "at least that much": see [`sum`].
    pub(super) fn new(bytes: ByteSize, is_complete: bool) -> Self {
        Self { bytes, is_complete: is_complete && bytes < MOST }
    }

    /// The bytes that were seen: all, or a lower bound.
    pub fn at_least(self) -> ByteSize {
        self.bytes
    }

    /// All bytes. `None` if something could not be read.
    pub fn exact(self) -> Option<ByteSize> {
        self.is_complete.then_some(self.bytes)
    }

    /// Whether everything could be read.
    pub fn is_complete(self) -> bool {
        self.is_complete
    }
}

/// Sums saturate here. The lengths of a few sparse files can reach it.
pub(super) const MOST: ByteSize = ByteSize::b(u64::MAX);

/// Adds bytes, up to [`MOST`].
pub(super) fn sum(one: ByteSize, other: ByteSize) -> ByteSize {
    ByteSize::b(one.as_u64().saturating_add(other.as_u64()))
}

/// 0 bytes, complete.
impl Default for Size {
    fn default() -> Self {
        Self::exactly(ByteSize::b(0))
    }
}

/// The sum is complete if both are.
impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(sum(self.bytes, other.bytes), self.is_complete && other.is_complete)
    }
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_as_incomplete_as_its_parts() {
        let [whole, part] = [true, false].map(|is_complete| Size::new(ByteSize::b(5), is_complete));
        assert_eq!([whole, whole].into_iter().sum::<Size>().exact(), Some(ByteSize::b(10)));
        assert_eq!((whole + part, part + whole), (Size::new(ByteSize::b(10), false), part + whole));
        assert_eq!((part + whole).exact(), None);
    }

    #[test]
    fn an_overflowing_sum_saturates_as_a_lower_bound() {
        let half = Size::exactly(ByteSize::b(u64::MAX / 2 + 1));
        assert_eq!(half + half, Size { bytes: MOST, is_complete: false });
    }
}
