//! A line that sweeps through overlapping extents, and knows at each point which of them it is in.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use super::record::{Overlaps, Record, Role};

/// The line.
pub struct SweepLine<'s> {
    overlaps: &'s mut Overlaps,
    keeps_whole: bool,
    place: u64,
    inside: BinaryHeap<Inside>,
    roles: HashMap<Role, Counts>,
    /// Number of extents that have begun so far.
    begun: u64,
}

/// Number of extents of one role that contain the line, and that have begun.
#[derive(Clone, Copy, Default)]
struct Counts {
    inside: usize,
    begun: u64,
}

/// An extent that contains the line.
struct Inside {
    end: Reverse<u64>,
    role: Role,
    /// Bytes so far that no other tree has.
    alone: u64,
    has_met: Met,
    /// The counts at its beginning: all extents that had begun, and those of other roles.
    begun: u64,
    others_begun: u64,
}

/// What kinds of extents an extent overlaps with.
#[derive(Clone, Copy, Default)]
struct Met {
    any_other: bool,
    another_role: bool,
}

impl<'s> SweepLine<'s> {
    pub fn new(overlaps: &'s mut Overlaps, keeps_whole: bool) -> Self {
        let (inside, roles) = (BinaryHeap::new(), HashMap::new());
        Self { overlaps, keeps_whole, place: 0, inside, roles, begun: 0 }
    }

    /// Passes over records in the order of their beginnings.
    pub fn pass<'r>(mut self, records: impl Iterator<Item = (&'r Record, Role)>) {
        for (record, role) in records.filter(|(_, role)| *role != Role::Absent) {
            self.advance(record.physical);
            self.enter(record.end(), role);
        }
        self.advance(u64::MAX);
    }

    fn advance(&mut self, place: u64) {
        while let Some(next) = self.inside.peek().map(|inside| inside.end.0)
            && next <= place
        {
            self.go(next);
            self.leave();
        }
        self.go(place);
    }

    /// Moves on to a point before which nothing begins or ends.
    fn go(&mut self, place: u64) {
        let bytes = place - self.place;
        self.place = place;
        match self.inside.len() {
            0 => {}
            1 => {
                if let Some(mut only) = self.inside.peek_mut() {
                    only.alone += bytes;
                }
            }
            records => {
                self.overlaps.again += bytes * (records as u64 - 1);
                if let Some(role) = self.only_role() {
                    self.overlaps.credit(role, bytes);
                }
            }
        }
    }

    /// The role of all extents that contain the line. `None` if they differ.
    fn only_role(&self) -> Option<Role> {
        let role = self.inside.peek()?.role;
        (self.counts(role).inside == self.inside.len()).then_some(role)
    }

    fn counts(&self, role: Role) -> Counts {
        self.roles.get(&role).copied().unwrap_or_default()
    }

    fn enter(&mut self, end: u64, role: Role) {
        let own = self.roles.entry(role).or_default();
        let has_met = Met {
            any_other: !self.inside.is_empty(),
            another_role: self.inside.len() > own.inside,
        };
        own.inside += 1;
        own.begun += 1;
        self.begun += 1;
        let (begun, others_begun) = (self.begun, self.begun - own.begun);
        self.inside.push(Inside {
            end: Reverse(end),
            role,
            alone: 0,
            has_met,
            begun,
            others_begun,
        });
    }

    fn leave(&mut self) {
        let Some(left) = self.inside.pop() else { return };
        let own = self.roles.entry(left.role).or_default();
        own.inside -= 1;
        let met_any_other = left.has_met.any_other || self.begun > left.begun;
        let met_another_role =
            left.has_met.another_role || self.begun - own.begun > left.others_begun;
        // Data without another known holder is still shared. On a file system that keeps extents
        // whole, the holders of overlapping extents may be the ones that hold this part.
        if self.keeps_whole && met_any_other && !met_another_role {
            self.overlaps.credit(left.role, left.alone);
        }
    }
}

/// The extent that ends first is the greatest, so that a heap has it on top.
impl Ord for Inside {
    fn cmp(&self, other: &Self) -> Ordering {
        self.end.cmp(&other.end)
    }
}

impl PartialOrd for Inside {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Inside {
    fn eq(&self, other: &Self) -> bool {
        self.end == other.end
    }
}

impl Eq for Inside {}
