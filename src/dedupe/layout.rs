//! The positions of a file's data on disk, and how they differ between two files.

use std::ops::Range;

use crate::fs::MappedExtent;

/// The block size of nearly all file systems. With another one, sums are slightly off.
const BLOCK: u64 = 4096;

/// The end of the last block of a file with `size` bytes.
pub fn end(size: u64) -> u64 {
    size.next_multiple_of(BLOCK)
}

/// The extents of a file up to its end, by offset. Everything else is holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(Vec<MappedExtent>);

/// The position of the data at an offset. Equal places mean one copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Hole,
    Plain {
        physical: u64,
    },
    /// Compressed data: only the start of the extent has a physical position.
    Encoded {
        physical: u64,
        logical: u64,
    },
}

impl Layout {
    /// Cuts the extents at `end`: a file system may have preallocated space beyond it.
    pub fn new(extents: Vec<MappedExtent>, end: u64) -> Self {
        let within = extents.into_iter().filter(|extent| extent.logical < end);
        let cut = |extent: MappedExtent| {
            let length = extent.length.min(end - extent.logical);
            MappedExtent { length, ..extent }
        };
        Self(within.map(cut).collect())
    }

    pub fn extents(&self) -> &[MappedExtent] {
        &self.0
    }

    /// Bytes outside holes.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|extent| extent.length).sum()
    }

    pub fn is_encoded(&self) -> bool {
        self.0.iter().any(|extent| extent.is_encoded)
    }

    /// Bytes outside holes in these ranges, which must be sorted.
    pub fn bytes_within(&self, ranges: &[Range<u64>]) -> u64 {
        let overlap = |extent: &MappedExtent, range: &Range<u64>| {
            let end = range.end.min(extent.logical + extent.length);
            end.saturating_sub(range.start.max(extent.logical))
        };
        let (mut sum, mut ranges) = (0, ranges);
        for extent in &self.0 {
            let passed = ranges.iter().take_while(|range| range.end <= extent.logical).count();
            ranges = &ranges[passed..];
            let end = extent.logical + extent.length;
            let met = ranges.iter().take_while(|range| range.start < end);
            sum += met.map(|range| overlap(extent, range)).sum::<u64>();
        }
        sum
    }

    /// The ranges before `up_to` in which the two files do not share their data: sorted, and with
    /// gaps between them.
    pub fn differences(&self, other: &Self, up_to: u64) -> Vec<Range<u64>> {
        let (mut one, mut two) = (Cursor(&self.0), Cursor(&other.0));
        let (mut ranges, mut at) = (Vec::<Range<u64>>::new(), 0);
        while at < up_to {
            let ((place, end), (other, other_end)) = (one.look(at), two.look(at));
            let end = end.min(other_end).min(up_to);
            if place != other {
                match ranges.last_mut() {
                    Some(last) if last.end == at => last.end = end,
                    _ => ranges.push(at..end),
                }
            }
            at = end;
        }
        ranges
    }
}

/// Iterates over extents by offset.
struct Cursor<'a>(&'a [MappedExtent]);

impl Cursor<'_> {
    /// The place of the data at an offset, and the offset up to which it continues. Offsets must
    /// not decrease between calls.
    fn look(&mut self, at: u64) -> (Place, u64) {
        while let [first, rest @ ..] = self.0
            && first.logical + first.length <= at
        {
            self.0 = rest;
        }
        match self.0.first() {
            None => (Place::Hole, u64::MAX),
            Some(next) if at < next.logical => (Place::Hole, next.logical),
            Some(extent) => {
                let MappedExtent { logical, physical, .. } = *extent;
                let place = if extent.is_encoded {
                    Place::Encoded { physical, logical }
                } else {
                    Place::Plain { physical: physical.wrapping_add(at - logical) }
                };
                (place, logical + extent.length)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "ranges are what is tested")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn extent(logical: u64, physical: u64, length: u64) -> MappedExtent {
        MappedExtent { logical, physical, length, is_shared: false, is_encoded: false }
    }

    fn encoded(logical: u64, physical: u64, length: u64) -> MappedExtent {
        MappedExtent { is_encoded: true, ..extent(logical, physical, length) }
    }

    #[test]
    fn data_at_the_same_place_is_shared() {
        for (what, one, two, expected) in [
            ("the same", vec![extent(0, 100, 8)], vec![extent(0, 100, 8)], vec![]),
            (
                "in parts",
                vec![extent(0, 100, 8)],
                vec![extent(0, 100, 3), extent(3, 103, 5)],
                vec![],
            ),
            ("elsewhere", vec![extent(0, 100, 8)], vec![extent(0, 200, 8)], vec![0..8]),
            (
                "its second half",
                vec![extent(0, 100, 8)],
                vec![extent(0, 100, 4), extent(4, 50, 4)],
                vec![4..8],
            ),
            (
                "a hole in one",
                vec![extent(0, 100, 8)],
                vec![extent(0, 100, 2), extent(6, 106, 2)],
                vec![2..6],
            ),
            ("holes in both", vec![], vec![], vec![]),
            ("behind the end", vec![extent(0, 100, 12)], vec![extent(0, 100, 8)], vec![]),
            ("compressed", vec![encoded(0, 100, 8)], vec![encoded(0, 100, 8)], vec![]),
            ("in one only", vec![encoded(0, 100, 8)], vec![extent(0, 100, 8)], vec![0..8]),
            (
                "another part of it",
                vec![encoded(0, 100, 8)],
                vec![encoded(0, 100, 4), encoded(4, 100, 4)],
                vec![4..8],
            ),
        ] {
            let found = Layout::new(one, 8).differences(&Layout::new(two, 8), 8);
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn holes_do_not_count() {
        let layout = Layout::new(vec![extent(2, 100, 4), extent(8, 200, 100)], 20);
        assert_eq!(layout.bytes(), 16);
        for (ranges, bytes) in [
            (vec![0..20], 16),
            (vec![0..3, 5..9], 3),
            (vec![6..8], 0),
            (vec![], 0),
            (vec![19..20], 1),
        ] {
            assert_eq!(layout.bytes_within(&ranges), bytes, "{ranges:?}");
        }
    }

    /// Extents from few distinct gaps, lengths and places, so that they often coincide.
    fn layouts() -> impl Strategy<Value = Layout> {
        vec((0..3u64, 1..5u64, 0..6u64), 0..6).prop_map(|parts| {
            let mut at = 0;
            let extents = parts.into_iter().map(|(gap, length, place)| {
                let logical = at + gap;
                at = logical + length;
                // The same shift for the same place, so that equal parts of it are the same data.
                extent(logical, 1000 * place + logical, length)
            });
            Layout::new(extents.collect(), 24)
        })
    }

    fn place(layout: &Layout, at: u64) -> Option<u64> {
        let mut extents = layout.extents().iter();
        let found =
            extents.find(|extent| (extent.logical..extent.logical + extent.length).contains(&at));
        found.map(|extent| extent.physical + (at - extent.logical))
    }

    proptest! {
        #[test]
        fn differences_match_a_comparison_byte_by_byte(one in layouts(), two in layouts()) {
            let found = one.differences(&two, 24);
            for at in 0..24 {
                let is_found = found.iter().any(|range| range.contains(&at));
                prop_assert_eq!(is_found, place(&one, at) != place(&two, at), "{}", at);
            }
            let mapped = (0..24).filter(|&at| place(&one, at).is_some());
            let within = mapped.filter(|at| found.iter().any(|range| range.contains(at)));
            prop_assert_eq!(one.bytes_within(&found), within.count() as u64);
        }
    }
}
