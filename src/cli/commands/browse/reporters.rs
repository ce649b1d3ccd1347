//! Reporters that send the progress of measurements and removals as events.

use crossbeam_channel::Sender;

use super::event::Event;
use crate::gc::{Detail, Reporter};
use crate::stop::StopFlag;
use crate::usage::{Phase, Progress, Usage};

/// Reports the progress of a measurement of the whole cache.
pub struct Counting<'a> {
    pub events: &'a Sender<Event>,
    pub stop: &'a StopFlag,
    /// The last report for each tree.
    pub seen: Vec<(Usage, Phase)>,
}

impl Reporter for Counting<'_> {
    fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    fn measuring(&mut self, progress: &Progress) {
        self.seen.resize(progress.iter().len(), (Usage::default(), Phase::Waiting));
        let mut trees = Vec::new();
        for ((at, counters), seen) in progress.iter().zip(&mut self.seen) {
            let now = (counters.usage(), counters.phase());
            if *seen != now {
                *seen = now;
                trees.push((at.clone(), now.0, now.1));
            }
        }
        let done = self.seen.iter().filter(|(_, phase)| *phase == Phase::Done).count();
        let all = self.seen.len();
        // After the loop has ended, events have no receiver.
        let _ = self.events.send(Event::Counted { trees, done, all });
    }
}

/// Reports the progress of a measurement of one image.
pub struct Entering<'a> {
    pub events: &'a Sender<Event>,
    pub stop: &'a StopFlag,
    pub ticket: u64,
}

impl Reporter for Entering<'_> {
    fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    fn measuring(&mut self, progress: &Progress) {
        let (ticket, counted) = (self.ticket, progress.total());
        // As above.
        let _ = self.events.send(Event::Entering { ticket, counted });
    }
}

/// Reports the progress of a removal.
pub struct Removing<'a> {
    pub events: &'a Sender<Event>,
    pub stop: &'a StopFlag,
}

impl Reporter for Removing<'_> {
    fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    fn detail(&self) -> Detail {
        Detail::Bounds
    }

    fn removing(&mut self, progress: &Progress) {
        // As above.
        let _ = self.events.send(Event::Removing(progress.total()));
    }
}
