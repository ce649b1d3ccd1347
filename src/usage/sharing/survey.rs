//! One pass over the ledger: what counts twice, and what would come back with whom.

use super::front::Front;
use super::ledger::{Holder, Record};

/// What a holder is in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Not part of it.
    Absent,
    /// There, and it stays.
    Foreign,
    /// It goes, together with all others of the same number.
    Owner(u32),
}

/// What has come of a pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Survey {
    /// Bytes that more than one record has, for each of these but one.
    pub again: u64,
    /// For each owner the bytes that two or more of its own records have, and no others: they come
    /// back with it unless somebody unknown holds them, too.
    pub credits: Vec<u64>,
}

impl Survey {
    pub fn new(owners: usize) -> Self {
        Self { again: 0, credits: vec![0; owners] }
    }

    pub fn credit(&mut self, class: Class, bytes: u64) {
        if let Class::Owner(owner) = class {
            self.credits[owner as usize] += bytes;
        }
    }

    /// Adds records sorted by place and holder. Of compressed data only the beginning is a place, and
    /// each record of it may be another part.
    pub fn add_encoded(&mut self, records: &[Record], class: &impl Fn(Holder) -> Class) {
        for extent in records.chunk_by(|one, next| one.physical == next.physical) {
            let mut heap = Heap::default();
            for parts in extent.chunk_by(|one, next| one.holder == next.holder) {
                let bytes = parts.iter().map(|part| part.length).sum();
                heap.add(class(parts[0].holder), parts.len(), bytes);
            }
            self.add(heap);
        }
    }

    /// Adds records sorted by place. Most extents lie apart from all others, or have the same ends as
    /// those they overlap with.
    pub fn add_ranges(
        &mut self,
        records: &[Record],
        keeps_whole: bool,
        class: &impl Fn(Holder) -> Class,
    ) {
        let mut rest = records;
        while let Some(first) = rest.first() {
            let (cluster, behind) = rest.split_at(cluster_length(rest));
            rest = behind;
            let ends = |record: &Record| (record.physical, record.length);
            if cluster.iter().all(|record| ends(record) == ends(first)) {
                let mut heap = Heap::default();
                cluster.iter().for_each(|record| heap.add(class(record.holder), 1, record.length));
                self.add(heap);
            } else {
                let classed = cluster.iter().map(|record| (record, class(record.holder)));
                Front::new(self, keeps_whole).pass(classed);
            }
        }
    }

    fn add(&mut self, heap: Heap) {
        self.again += heap.bytes - heap.most;
        if let (true, Some(class)) = (heap.records > 1, heap.only_class()) {
            self.credit(class, heap.most);
        }
    }
}

/// How many records from the first on overlap with one before them.
fn cluster_length(records: &[Record]) -> usize {
    let mut end = 0;
    let apart = records.iter().enumerate().position(|(index, record)| {
        let is_apart = index > 0 && record.physical >= end;
        end = end.max(record.end());
        is_apart
    });
    apart.unwrap_or(records.len())
}

/// Records of the same data.
#[derive(Default)]
struct Heap {
    records: usize,
    /// What all of them add up to.
    bytes: u64,
    /// What the biggest has.
    most: u64,
    class: Option<Class>,
    is_mixed: bool,
}

impl Heap {
    fn add(&mut self, class: Class, records: usize, bytes: u64) {
        if class == Class::Absent {
            return;
        }
        self.records += records;
        self.bytes += bytes;
        self.most = self.most.max(bytes);
        self.is_mixed |= *self.class.get_or_insert(class) != class;
    }

    fn only_class(&self) -> Option<Class> {
        self.class.filter(|_| !self.is_mixed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::usage::sharing::ledger::Space;

    fn record(holder: usize, physical: u64, length: u64) -> Record {
        Record { space: Space::new(0, false), holder: Holder::tree(holder), physical, length }
    }

    /// Holder 0 is not there, holder 1 stays; 2 and 3 are one owner, 4 and 5 two more.
    fn class(holder: Holder) -> Class {
        let classes = [
            Class::Absent,
            Class::Foreign,
            Class::Owner(0),
            Class::Owner(0),
            Class::Owner(1),
            Class::Owner(2),
        ];
        let is = |number: &usize| holder == Holder::tree(*number);
        classes[(0..classes.len()).find(is).expect("a holder of these tests")]
    }

    fn surveyed(mut records: Vec<Record>, keeps_whole: bool) -> Survey {
        records.sort_unstable_by_key(|record| (record.physical, record.holder));
        let mut survey = Survey::new(3);
        survey.add_ranges(&records, keeps_whole, &class);
        survey
    }

    #[test]
    fn the_rule_by_examples() {
        for (what, records, again, credit) in [
            ("a single record is held by somebody unknown", vec![record(2, 0, 8)], 0, 0),
            ("two of one owner", vec![record(2, 0, 8), record(3, 0, 8)], 8, 8),
            ("two owners", vec![record(2, 0, 8), record(4, 0, 8)], 8, 0),
            ("somebody who stays", vec![record(2, 0, 8), record(3, 0, 8), record(1, 4, 4)], 12, 4),
            ("somebody who is not there", vec![record(2, 0, 8), record(0, 0, 8)], 0, 0),
            ("twice in one tree", vec![record(2, 0, 8), record(2, 0, 8)], 8, 8),
            ("parts", vec![record(2, 0, 8), record(3, 4, 8)], 4, 4),
            ("neighbours", vec![record(2, 0, 8), record(3, 8, 8)], 0, 0),
        ] {
            let survey = surveyed(records, false);
            assert_eq!((survey.again, survey.credits[0]), (again, credit), "{what}");
        }
    }

    #[test]
    fn an_extent_that_is_kept_whole_goes_with_the_last_of_its_parts() {
        let (whole, half) = (record(2, 0, 8), record(3, 4, 4));
        assert_eq!(surveyed(vec![whole, half], true).credits[0], 8);
        assert_eq!(surveyed(vec![whole, record(4, 4, 4)], true).credits, [0, 0, 0]);
        assert_eq!(surveyed(vec![whole, half, record(1, 6, 2)], true).credits[0], 2);
        assert_eq!(surveyed(vec![whole], true).credits[0], 0);
    }

    #[test]
    fn parts_of_compressed_data_are_told_apart_by_their_holders_alone() {
        let records = [record(2, 0, 60), record(2, 0, 40), record(3, 0, 128), record(4, 50, 128)];
        let mut survey = Survey::new(3);
        survey.add_encoded(&records, &class);
        assert_eq!(survey, Survey { again: 100, credits: vec![128, 0, 0] });
    }

    /// The rule, block by block.
    fn oracle(records: &[Record], keeps_whole: bool) -> Survey {
        let there: Vec<_> = records.iter().map(|record| (record, class(record.holder))).collect();
        let there: Vec<_> =
            there.into_iter().filter(|(_, class)| *class != Class::Absent).collect();
        let mut survey = Survey::new(3);
        for block in 0..64 {
            let has = |record: &Record| record.physical <= block && block < record.end();
            let holders: Vec<_> = there.iter().filter(|(record, _)| has(record)).collect();
            let Some((one, class)) = holders.first() else { continue };
            survey.again += holders.len() as u64 - 1;
            let overlaps = |other: &Record| {
                other.physical < one.end()
                    && one.physical < other.end()
                    && !std::ptr::eq(other, *one)
            };
            let others: Vec<_> = there.iter().filter(|(other, _)| overlaps(other)).collect();
            let is_credited = match holders.len() {
                1 => {
                    let is_own = |(_, other): &&(&Record, Class)| other == class;
                    keeps_whole && !others.is_empty() && others.iter().all(is_own)
                }
                _ => holders.iter().all(|(_, other)| other == class),
            };
            if is_credited {
                survey.credit(*class, 1);
            }
        }
        survey
    }

    proptest! {
        #[test]
        fn a_pass_counts_what_counting_block_by_block_does(
            places in vec((0..6usize, 0..40u64, 1..12u64), 0..24),
            keeps_whole in any::<bool>(),
        ) {
            let record = |&(holder, physical, length): &_| record(holder, physical, length);
            let records: Vec<_> = places.iter().map(record).collect();
            prop_assert_eq!(surveyed(records.clone(), keeps_whole), oracle(&records, keeps_whole));
        }
    }
}
