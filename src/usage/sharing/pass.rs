//! One pass over the index: which bytes count twice, and which are freed with which trees.

use super::record::{Holder, Overlaps, Record, Role};
use super::sweep_line::SweepLine;

/// Adds records sorted by location and holder. For compressed data, the location identifies only
/// the extent, and each record may be a different part of it.
pub fn add_encoded(overlaps: &mut Overlaps, records: &[Record], role: &impl Fn(Holder) -> Role) {
    for extent in records.chunk_by(|one, next| one.physical == next.physical) {
        let mut same = SameRange::default();
        for parts in extent.chunk_by(|one, next| one.holder == next.holder) {
            let bytes = parts.iter().map(|part| part.length).sum();
            same.add(role(parts[0].holder), parts.len(), bytes);
        }
        same.count(overlaps);
    }
}

/// Adds records sorted by location. Most extents are disjoint from all others, or have the same
/// ends as those they overlap with.
pub fn add_ranges(
    overlaps: &mut Overlaps,
    records: &[Record],
    keeps_whole: bool,
    role: &impl Fn(Holder) -> Role,
) {
    let mut rest = records;
    while let Some(first) = rest.first() {
        let (cluster, behind) = rest.split_at(cluster_length(rest));
        rest = behind;
        let ends = |record: &Record| (record.physical, record.length);
        if cluster.iter().all(|record| ends(record) == ends(first)) {
            let mut same = SameRange::default();
            cluster.iter().for_each(|record| same.add(role(record.holder), 1, record.length));
            same.count(overlaps);
        } else {
            let roles = cluster.iter().map(|record| (record, role(record.holder)));
            SweepLine::new(overlaps, keeps_whole).pass(roles);
        }
    }
}

/// How many records from the first on form a chain of overlaps.
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
struct SameRange {
    records: usize,
    /// The sum of all records.
    bytes: u64,
    /// The largest record.
    most: u64,
    role: Option<Role>,
    is_mixed: bool,
}

impl SameRange {
    fn add(&mut self, role: Role, records: usize, bytes: u64) {
        if role == Role::Absent {
            return;
        }
        self.records += records;
        self.bytes += bytes;
        self.most = self.most.max(bytes);
        self.is_mixed |= *self.role.get_or_insert(role) != role;
    }

    fn only_role(&self) -> Option<Role> {
        self.role.filter(|_| !self.is_mixed)
    }

    fn count(self, overlaps: &mut Overlaps) {
        overlaps.again += self.bytes - self.most;
        if self.records > 1
            && let Some(role) = self.only_role()
        {
            overlaps.credit(role, self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::usage::sharing::record::Space;

    fn record(holder: usize, physical: u64, length: u64) -> Record {
        Record { space: Space::new(0, false), holder: Holder::from_tree(holder), physical, length }
    }

    /// Holder 0 is absent, holder 1 stays. 2 and 3 are one group, 4 and 5 two more.
    fn role(holder: Holder) -> Role {
        let roles =
            [Role::Absent, Role::Stays, Role::Goes(0), Role::Goes(0), Role::Goes(1), Role::Goes(2)];
        let is = |number: &usize| holder == Holder::from_tree(*number);
        roles[(0..roles.len()).find(is).expect("a holder of these tests")]
    }

    fn overlaps_of(mut records: Vec<Record>, keeps_whole: bool) -> Overlaps {
        records.sort_unstable_by_key(|record| (record.physical, record.holder));
        let mut overlaps = Overlaps::new(3);
        add_ranges(&mut overlaps, &records, keeps_whole, &role);
        overlaps
    }

    #[test]
    fn the_rule_by_examples() {
        for (what, records, again, credit) in [
            ("a single record is held by an unknown file", vec![record(2, 0, 8)], 0, 0),
            ("two of one group", vec![record(2, 0, 8), record(3, 0, 8)], 8, 8),
            ("two groups", vec![record(2, 0, 8), record(4, 0, 8)], 8, 0),
            ("a holder that stays", vec![record(2, 0, 8), record(3, 0, 8), record(1, 4, 4)], 12, 4),
            ("a holder that is not there", vec![record(2, 0, 8), record(0, 0, 8)], 0, 0),
            ("twice in one tree", vec![record(2, 0, 8), record(2, 0, 8)], 8, 8),
            ("parts", vec![record(2, 0, 8), record(3, 4, 8)], 4, 4),
            ("neighbours", vec![record(2, 0, 8), record(3, 8, 8)], 0, 0),
        ] {
            let overlaps = overlaps_of(records, false);
            assert_eq!((overlaps.again, overlaps.credits[0]), (again, credit), "{what}");
        }
    }

    #[test]
    fn an_extent_kept_whole_is_freed_with_the_last_of_its_parts() {
        let (whole, half) = (record(2, 0, 8), record(3, 4, 4));
        assert_eq!(overlaps_of(vec![whole, half], true).credits[0], 8);
        assert_eq!(overlaps_of(vec![whole, record(4, 4, 4)], true).credits, [0, 0, 0]);
        assert_eq!(overlaps_of(vec![whole, half, record(1, 6, 2)], true).credits[0], 2);
        assert_eq!(overlaps_of(vec![whole], true).credits[0], 0);
    }

    #[test]
    fn parts_of_compressed_data_are_distinguished_only_by_holder() {
        let records = [record(2, 0, 60), record(2, 0, 40), record(3, 0, 128), record(4, 50, 128)];
        let mut overlaps = Overlaps::new(3);
        add_encoded(&mut overlaps, &records, &role);
        assert_eq!(overlaps, Overlaps { again: 100, credits: vec![128, 0, 0] });
    }

    /// The rule, block by block.
    fn oracle(records: &[Record], keeps_whole: bool) -> Overlaps {
        let there: Vec<_> = records.iter().map(|record| (record, role(record.holder))).collect();
        let there: Vec<_> = there.into_iter().filter(|(_, role)| *role != Role::Absent).collect();
        let mut overlaps = Overlaps::new(3);
        for block in 0..64 {
            let has = |record: &Record| record.physical <= block && block < record.end();
            let holders: Vec<_> = there.iter().filter(|(record, _)| has(record)).collect();
            let Some((one, role)) = holders.first() else { continue };
            overlaps.again += holders.len() as u64 - 1;
            let meets = |other: &Record| {
                other.physical < one.end()
                    && one.physical < other.end()
                    && !std::ptr::eq(other, *one)
            };
            let others: Vec<_> = there.iter().filter(|(other, _)| meets(other)).collect();
            let is_credited = match holders.len() {
                1 => {
                    let is_own = |(_, other): &&(&Record, Role)| other == role;
                    keeps_whole && !others.is_empty() && others.iter().all(is_own)
                }
                _ => holders.iter().all(|(_, other)| other == role),
            };
            if is_credited {
                overlaps.credit(*role, 1);
            }
        }
        overlaps
    }

    proptest! {
        #[test]
        fn a_pass_counts_the_same_as_counting_block_by_block(
            places in vec((0..6usize, 0..40u64, 1..12u64), 0..24),
            keeps_whole in any::<bool>(),
        ) {
            let record = |&(holder, physical, length): &_| record(holder, physical, length);
            let records: Vec<_> = places.iter().map(record).collect();
            prop_assert_eq!(overlaps_of(records.clone(), keeps_whole), oracle(&records, keeps_whole));
        }
    }
}
