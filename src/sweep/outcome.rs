//! What came of a sweep.

use std::sync::{Arc, Mutex, PoisonError};

use bytesize::ByteSize;
use crossbeam_channel::Sender;

use crate::error::Error;
use crate::plan::KeepReason;
use crate::usage::Problems;

/// What came of the decision to remove something, or to bring it back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fate {
    /// It is gone.
    Removed {
        /// Bytes on disk that went with it.
        freed: ByteSize,
    },
    /// Something of it could not be removed, or not even hidden from its readers.
    Failed {
        /// Bytes on disk that were removed all the same.
        freed: ByteSize,
        /// Why.
        problems: Arc<Problems>,
    },
    /// It is in its place after all: something has turned up that speaks for it.
    Kept {
        /// What that is.
        why: KeepReason,
    },
    /// It was gone already, or something that is not ours to remove lay in its place.
    Gone,
    /// It is back in its place, from which an interrupted collection had hidden it.
    Restored,
    /// The sweep was stopped. What is left of it is finished by the next collection.
    Interrupted {
        /// Bytes on disk that were removed before.
        freed: ByteSize,
    },
}

impl Fate {
    /// Bytes on disk that were removed.
    pub fn freed(&self) -> ByteSize {
        match self {
            Self::Removed { freed } | Self::Failed { freed, .. } | Self::Interrupted { freed } => {
                *freed
            }
            Self::Kept { .. } | Self::Gone | Self::Restored => ByteSize::b(0),
        }
    }
}

/// Tells that a removal has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The place of its decision in the plan.
    pub decision: usize,
    /// How it ended.
    pub fate: Fate,
}

/// The fates of a plan's decisions: the answer of [`sweep`](super::sweep()).
#[derive(Debug)]
pub struct Outcome {
    fates: Vec<Option<Fate>>,
    failure: Option<Error>,
}

impl Outcome {
    /// What came of a decision, by its place in the plan; `None` if nothing was to be done.
    ///
    /// # Panics
    /// The plan has no such decision.
    pub fn fate(&self, decision: usize) -> Option<&Fate> {
        self.fates[decision].as_ref()
    }

    /// Why the sweep has ended before it had tried everything, if it has.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// Where workers report how a removal has ended.
pub(super) struct Report<'a> {
    fates: Mutex<Vec<Option<Fate>>>,
    events: &'a Sender<Event>,
}

impl<'a> Report<'a> {
    pub fn new(decisions: usize, events: &'a Sender<Event>) -> Self {
        Self { fates: Mutex::new(vec![None; decisions]), events }
    }

    pub fn settle(&self, decision: usize, fate: Fate) {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)[decision] = Some(fate.clone());
        // Whoever has hung up does not want to be told; the outcome has it all the same.
        let _ = self.events.send(Event { decision, fate });
    }

    /// Whether it is known how the removal has ended.
    pub fn is_settled(&self, decision: usize) -> bool {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)[decision].is_some()
    }

    /// Whether something has turned out to be needed.
    pub fn is_kept(&self, decision: usize) -> bool {
        let fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(fates[decision], Some(Fate::Kept { .. }))
    }

    pub fn into_outcome(self, failure: Option<Error>) -> Outcome {
        let fates = self.fates.into_inner().unwrap_or_else(PoisonError::into_inner);
        Outcome { fates, failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fate_is_known_once_it_is_reported_and_told_to_those_who_listen() {
        let (sender, events) = crossbeam_channel::unbounded();
        let report = Report::new(3, &sender);
        report.settle(0, Fate::Kept { why: KeepReason::InUse });
        report.settle(1, Fate::Gone);
        assert_eq!([0, 1, 2].map(|decision| report.is_settled(decision)), [true, true, false]);
        assert_eq!([0, 1, 2].map(|decision| report.is_kept(decision)), [true, false, false]);
        assert!(events.try_iter().map(|event| event.decision).eq([0, 1]));
        let outcome = report.into_outcome(Some(Error::Interrupted));
        assert!(matches!(outcome.fate(1), Some(Fate::Gone)) && outcome.fate(2).is_none());
        assert!(matches!(outcome.failure(), Some(Error::Interrupted)));
    }
}
