//! The results of a sweep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use crossbeam_channel::Sender;

use crate::cache::Location;
use crate::error::{Error, Problems};
use crate::plan::{KeepReason, Plan};

/// The result of a decision to remove or restore an item.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RemovalResult {
    /// It was removed.
    Removed {
        /// Bytes on disk removed with it.
        freed: ByteSize,
    },
    /// Part of it could not be removed, or it could not even be hidden.
    Failed {
        /// Bytes on disk that were removed nevertheless.
        freed: ByteSize,
        /// What went wrong.
        problems: Arc<Problems>,
    },
    /// It was kept after all, because it turned out to be needed.
    Kept {
        /// Why it is needed.
        why: KeepReason,
    },
    /// It was gone already, or a foreign item had taken its place.
    Gone,
    /// It was restored to the place from which an interrupted collection had hidden it.
    Restored,
    /// The sweep was stopped. The next collection removes the rest.
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

/// Reports the end of a removal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The location of the item in the cache.
    pub location: Location,
    /// The result.
    pub result: RemovalResult,
}

/// The results of a plan, as returned by [`sweep`](super::sweep()).
#[derive(Debug)]
pub struct Outcome {
    results: HashMap<Location, RemovalResult>,
    failure: Option<Error>,
}

impl Outcome {
    /// The result of the decision about the item at `location`; `None` if there was nothing to do.
    pub fn get(&self, location: &Location) -> Option<&RemovalResult> {
        self.results.get(location)
    }

    /// Adds the results of another part of the plan.
    pub(crate) fn join(&mut self, other: Self) {
        self.results.extend(other.results);
        self.failure = self.failure.take().or(other.failure);
    }

    /// Adds the reason why another part of the plan could not even be started.
    pub(crate) fn with_failure(self, failure: Error) -> Self {
        Self { failure: Some(failure), ..self }
    }

    /// Why the sweep ended early, if it did.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// Collects the results from the threads. Items are identified by their index in the plan.
pub(super) struct Report<'a> {
    locations: Vec<&'a Location>,
    results: Mutex<Vec<Option<RemovalResult>>>,
    events: &'a Sender<Event>,
}

impl<'a> Report<'a> {
    /// A report on the items at `locations`.
    pub fn new(
        locations: impl IntoIterator<Item = &'a Location>,
        events: &'a Sender<Event>,
    ) -> Self {
        let locations: Vec<_> = locations.into_iter().collect();
        Self { results: Mutex::new(vec![None; locations.len()]), locations, events }
    }

    /// A report on all items of a plan.
    pub fn on_plan(plan: &'a Plan, events: &'a Sender<Event>) -> Self {
        Self::new(plan.decisions().iter().map(|decision| decision.item.location()), events)
    }

    pub fn settle(&self, place: usize, result: RemovalResult) {
        self.results()[place] = Some(result.clone());
        let location = self.locations[place].clone();
        // The receiver may be gone: ignore that, since the outcome has the result, too.
        let _ = self.events.send(Event { location, result });
    }

    /// The location of an item.
    pub fn location(&self, place: usize) -> &'a Location {
        self.locations[place]
    }

    /// Whether the result of an item is known.
    pub fn is_settled(&self, place: usize) -> bool {
        self.results()[place].is_some()
    }

    /// Whether an item is kept after all: it turned out to be needed, or could not be hidden.
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
    fn a_result_is_known_and_sent_once_it_is_reported() {
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
