//! A line that moves through extents that overlap, and knows at each place which of them it is in.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use super::ledger::Record;
use super::survey::{Class, Survey};

/// Such a line.
pub struct Front<'s> {
    survey: &'s mut Survey,
    keeps_whole: bool,
    place: u64,
    inside: BinaryHeap<Inside>,
    classes: HashMap<Class, Counts>,
    /// How many extents have begun so far.
    begun: u64,
}

/// How many extents of one class the line is in, and how many have begun.
#[derive(Clone, Copy, Default)]
struct Counts {
    inside: usize,
    begun: u64,
}

/// An extent that the line is in.
struct Inside {
    end: Reverse<u64>,
    class: Class,
    /// Bytes so far that nobody else has.
    alone: u64,
    has_met: Met,
    /// When it began, this many had begun, and of other classes that many.
    begun: u64,
    others_begun: u64,
}

/// With whom an extent overlaps.
#[derive(Clone, Copy, Default)]
struct Met {
    anybody: bool,
    another_class: bool,
}

impl<'s> Front<'s> {
    pub fn new(survey: &'s mut Survey, keeps_whole: bool) -> Self {
        let (inside, classes) = (BinaryHeap::new(), HashMap::new());
        Self { survey, keeps_whole, place: 0, inside, classes, begun: 0 }
    }

    /// Passes records in the order of their beginnings.
    pub fn pass<'r>(mut self, records: impl Iterator<Item = (&'r Record, Class)>) {
        for (record, class) in records.filter(|(_, class)| *class != Class::Absent) {
            self.advance(record.physical);
            self.enter(record.end(), class);
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

    /// Goes on to where nothing ends or begins before.
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
                self.survey.again += bytes * (records as u64 - 1);
                if let Some(class) = self.only_class() {
                    self.survey.credit(class, bytes);
                }
            }
        }
    }

    /// The class of all that the line is in, if they have one.
    fn only_class(&self) -> Option<Class> {
        let class = self.inside.peek()?.class;
        (self.counts(class).inside == self.inside.len()).then_some(class)
    }

    fn counts(&self, class: Class) -> Counts {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    fn enter(&mut self, end: u64, class: Class) {
        let own = self.classes.entry(class).or_default();
        let has_met =
            Met { anybody: !self.inside.is_empty(), another_class: self.inside.len() > own.inside };
        own.inside += 1;
        own.begun += 1;
        self.begun += 1;
        let (begun, others_begun) = (self.begun, self.begun - own.begun);
        self.inside.push(Inside {
            end: Reverse(end),
            class,
            alone: 0,
            has_met,
            begun,
            others_begun,
        });
    }

    fn leave(&mut self) {
        let Some(left) = self.inside.pop() else { return };
        let own = self.classes.entry(left.class).or_default();
        own.inside -= 1;
        let met_anybody = left.has_met.anybody || self.begun > left.begun;
        let met_another_class =
            left.has_met.another_class || self.begun - own.begun > left.others_begun;
        // What nobody else has is shared all the same. On a file system that keeps extents whole, it
        // is those it overlaps with who may hold this part, too.
        if self.keeps_whole && met_anybody && !met_another_class {
            self.survey.credit(left.class, left.alone);
        }
    }
}

/// The one that ends first is the greatest: so a heap has it on top.
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
