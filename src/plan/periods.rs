//! An index of periods for overlap queries.
//!
//! The periods are sorted by start, with a balanced tree over them of the latest end in each
//! subtree. Listing overlaps takes time proportional to the number of results times the depth of
//! the tree. Counting them takes two binary searches.

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

/// Things and their periods.
#[derive(Debug)]
pub struct Periods<T> {
    sorted: Vec<(Period, T)>,
    /// For the middle of each range of `sorted` in the search, the latest end in that range.
    latest: Vec<Timestamp>,
    /// All ends, sorted.
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

    /// The things whose periods overlap this one, sorted.
    pub fn overlapping(&self, period: Period) -> Vec<T> {
        let mut found = Vec::new();
        self.visit(0, self.sorted.len(), period, &mut |thing| found.push(thing));
        found.sort();
        found
    }

    /// The number of things whose periods overlap this one: those that start before its end minus
    /// those that end before its start.
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

/// Fills in the latest end of a range and of all its subranges, and returns it.
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
        fn a_search_finds_the_same_as_a_linear_scan(
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
