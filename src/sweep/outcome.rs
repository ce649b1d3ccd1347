//! What came of a sweep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use crossbeam_channel::Sender;

use crate::cache::Location;
use crate::error::{Error, Problems};
use crate::plan::{KeepReason, Plan};

/// What came of the decision to remove something, or to bring it back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RemovalResult {
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

impl RemovalResult {
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
    /// Where the thing lies, or lay.
    pub location: Location,
    /// How it ended.
    pub result: RemovalResult,
}

/// What came of a plan: the answer of [`sweep`](super::sweep()).
#[derive(Debug)]
pub struct Outcome {
    results: HashMap<Location, RemovalResult>,
    failure: Option<Error>,
}

impl Outcome {
    /// What came of the decision about what lies at `location`; `None` if nothing was to be done.
    pub fn get(&self, location: &Location) -> Option<&RemovalResult> {
        self.results.get(location)
    }

    /// Adds what came of another part of the plan.
    pub(crate) fn join(&mut self, other: Self) {
        self.results.extend(other.results);
        self.failure = self.failure.take().or(other.failure);
    }

    /// What came of a plan of which another part could not even be begun.
    pub(crate) fn with_failure(self, failure: Error) -> Self {
        Self { failure: Some(failure), ..self }
    }

    /// Why the sweep ended before it had tried everything, if it did.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// Where workers report how a removal has ended. They know a thing by its place in the plan.
pub(super) struct Report<'a> {
    locations: Vec<&'a Location>,
    results: Mutex<Vec<Option<RemovalResult>>>,
    events: &'a Sender<Event>,
}

impl<'a> Report<'a> {
    /// A report on the things at `locations`.
    pub fn new(
        locations: impl IntoIterator<Item = &'a Location>,
        events: &'a Sender<Event>,
    ) -> Self {
        let locations: Vec<_> = locations.into_iter().collect();
        Self { results: Mutex::new(vec![None; locations.len()]), locations, events }
    }

    /// A report on everything in a plan.
    pub fn on_plan(plan: &'a Plan, events: &'a Sender<Event>) -> Self {
        Self::new(plan.decisions().iter().map(|decision| decision.item.location()), events)
    }

    pub fn settle(&self, place: usize, result: RemovalResult) {
        self.results()[place] = Some(result.clone());
        let location = self.locations[place].clone();
        // A receiver that has hung up does not want to be told; the outcome has it all the same.
        let _ = self.events.send(Event { location, result });
    }

    /// Where a thing lies.
    pub fn location(&self, place: usize) -> &'a Location {
        self.locations[place]
    }

    /// Whether it is known how the removal has ended.
    pub fn is_settled(&self, place: usize) -> bool {
        self.results()[place].is_some()
    }

    /// Whether something stays after all: it has turned out to be needed, or could not be hidden.
    pub fn stays(&self, place: usize) -> bool {
        use RemovalResult::{Failed, Kept};
        matches!(self.results()[place], Some(Kept { .. } | Failed { .. }))
    }

    pub fn into_outcome(self, failure: Option<Error>) -> Outcome {
        let results = self.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let results = self.locations.into_iter().cloned().zip(results);
        let results = results.filter_map(|(location, result)| Some((location, result?)));
        Outcome { results: results.collect(), failure }
    }

    fn results(&self) -> MutexGuard<'_, Vec<Option<RemovalResult>>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{EntryName, Folder};

    #[test]
    fn a_result_is_known_once_it_is_reported_and_told_to_those_who_listen() {
        let locations = ["sha256-a", "sha256-b", "sha256-c"]
            .map(|name| Location { folder: Folder::Root, name: EntryName::new(name).unwrap() });
        let (sender, events) = crossbeam_channel::unbounded();
        let report = Report::new(&locations, &sender);
        report.settle(0, RemovalResult::Kept { why: KeepReason::InUse });
        report.settle(1, RemovalResult::Gone);
        assert_eq!([0, 1, 2].map(|place| report.is_settled(place)), [true, true, false]);
        assert_eq!([0, 1, 2].map(|place| report.stays(place)), [true, false, false]);
        assert!(events.try_iter().map(|event| event.location).eq(locations[..2].iter().cloned()));
        let outcome = report.into_outcome(Some(Error::Interrupted));
        let [_, gone, open] = locations.each_ref().map(|location| outcome.get(location));
        assert!(matches!(gone, Some(RemovalResult::Gone)) && open.is_none());
        assert!(matches!(outcome.failure(), Some(Error::Interrupted)));
    }
}
