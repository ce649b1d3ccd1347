//! Periods of time, to be asked which of them overlap another one.
//!
//! The periods lie sorted by their starts, and over them a balanced tree of the latest end below each: to list what overlaps costs
//! the answers there are, and the depth of the tree for each. To count it costs two searches.

use jiff::Timestamp;

/// A period, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Period {
    /// Whether there is an instant in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// Periods of things.
#[derive(Debug)]
pub struct Periods<T> {
    sorted: Vec<(Period, T)>,
    /// At the middle of each range of `sorted` that the search divides, the latest end in that range.
    latest: Vec<Timestamp>,
    /// The ends of all, in order.
    ends: Vec<Timestamp>,
}

impl<T: Copy + Ord> Periods<T> {
    pub fn new(periods: impl IntoIterator<Item = (Period, T)>) -> Self {
        let mut sorted: Vec<_> = periods.into_iter().collect();
        sorted.sort_by_key(|(period, _)| period.start);
        let mut latest = vec![Timestamp::MIN; sorted.len()];
        fill(&sorted, &mut latest);
        let mut ends: Vec<_> = sorted.iter().map(|(period, _)| period.end).collect();
        ends.sort();
        Self { sorted, latest, ends }
    }

    /// What has a period that overlaps this one, in order.
    pub fn overlapping(&self, period: Period) -> Vec<T> {
        let mut found = Vec::new();
        self.visit(0, self.sorted.len(), period, &mut |thing| found.push(thing));
        found.sort();
        found
    }

    /// How many things have a period that overlaps this one: those that begin before its end, without
    /// those that are over before its start.
    pub fn count(&self, period: Period) -> usize {
        let begun = self.sorted.partition_point(|(found, _)| found.start <= period.end);
        let over = self.ends.partition_point(|end| *end < period.start);
        begun - over
    }

    fn visit(&self, from: usize, to: usize, period: Period, each: &mut impl FnMut(T)) {
        let middle = usize::midpoint(from, to);
        if from == to || self.latest[middle] < period.start {
            return;
        }
        self.visit(from, middle, period, each);
        let (found, thing) = self.sorted[middle];
        if found.overlaps(period) {
            each(thing);
        }
        if found.start <= period.end {
            self.visit(middle + 1, to, period, each);
        }
    }
}

/// Fills in the latest end of a range and of all ranges in it.
fn fill<T>(sorted: &[(Period, T)], latest: &mut [Timestamp]) -> Timestamp {
    if sorted.is_empty() {
        return Timestamp::MIN;
    }
    let middle = sorted.len() / 2;
    let before = fill(&sorted[..middle], &mut latest[..middle]);
    let after = fill(&sorted[middle + 1..], &mut latest[middle + 1..]);
    latest[middle] = sorted[middle].0.end.max(before).max(after);
    latest[middle]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period((one, other): (i64, i64)) -> Period {
        let at = |second| Timestamp::from_second(second).unwrap();
        Period { start: at(one.min(other)), end: at(one.max(other)) }
    }

    proptest! {
        #[test]
        fn a_search_finds_what_a_look_at_each_finds(
            periods in proptest::collection::vec((0..40i64, 0..40i64), 0..60),
            asked in (0..40i64, 0..40i64),
        ) {
            let periods: Vec<_> = periods.into_iter().map(period).collect();
            let asked = period(asked);
            let numbered = || periods.iter().copied().zip(0..);
            let expected: Vec<i32> = numbered()
                .filter(|(period, _)| period.start <= asked.end && period.end >= asked.start)
                .map(|(_, number)| number)
                .collect();
            let index = Periods::new(numbered());
            prop_assert_eq!(index.count(asked), expected.len());
            prop_assert_eq!(index.overlapping(asked), expected);
        }
    }
}
