//! Carries out a plan: several groups at a time, the largest first.
//!
//! On a full disk, there may be no room for the metadata of the first files, but for that of
//! smaller ones after them. The space freed by those makes room for the others, so these are
//! retried for as long as that helps.

use std::sync::{Mutex, PoisonError};

use super::group::Group;
use super::left_out::LeftOut;
use super::plan::{Plan, Shared, Sums};
use super::progress::Progress;
use super::share::{CALLERS, Callers, Sharer};
use super::worker::{Found, State, Worker};
use crate::cache::{Location, LockedCache};
use crate::error::{Context, Result};
use crate::fs::Budget;
use crate::jobs::{Jobs, Pool, watched};
use crate::stop::StopFlag;

/// More threads than this do not read any faster.
const MOST_READERS: usize = 8;
/// A source and a destination.
const OPENED: usize = 2;

/// The result of a plan.
#[derive(Debug)]
pub struct Outcome<'p> {
    plan: &'p Plan,
    sums: Sums,
    left_out: LeftOut,
    is_interrupted: bool,
    /// Free bytes on the file system before and after.
    room: (u64, u64),
}

/// Lets files share their data. Raising `stop` ends it soon and keeps what was shared so far. Calls
/// `watch` about ten times a second.
///
/// # Errors
/// Fails if the threads cannot be started, or the file system does not report its free space. A
/// file that cannot be shared is [left out](Outcome::left_out).
pub fn run<'p>(
    cache: &LockedCache,
    plan: &'p Plan,
    jobs: Jobs,
    stop: &StopFlag,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Outcome<'p>> {
    let before = cache.free_bytes()?;
    let pool = Pool::new(Budget::new(jobs.get().min(MOST_READERS), OPENED))?;
    let progress = Progress::of_run(plan.groups.iter().map(Group::work).sum());
    let run = Run { cache, plan, stop, progress: &progress, callers: Callers::new() };
    let found = watched(stop, || run.work(&pool), || watch(&progress))?;
    let is_interrupted = found.groups < plan.groups.len();
    let room = (before, cache.free_bytes()?);
    let mut left_out = plan.left_out().clone();
    left_out.extend(found.left_out);
    Ok(Outcome { plan, sums: found.sums, left_out, is_interrupted, room })
}

struct Run<'a> {
    cache: &'a LockedCache,
    plan: &'a Plan,
    stop: &'a StopFlag,
    progress: &'a Progress,
    callers: Callers,
}

/// A group, and the state of its destinations.
type Job<'a> = (&'a Group, Vec<State>);

impl<'a> Run<'a> {
    fn work(&self, pool: &Pool) -> Result<Found<'a>> {
        let fresh = |group: &'a Group| (group, vec![State::Open; group.destinations.len()]);
        let mut found = Found::default();
        self.pass(pool, self.plan.groups.iter().map(fresh), &mut found);
        while !found.without_room.is_empty() && found.has_shared {
            self.cache.root().settle().context("sync the file system of", self.cache.path())?;
            let jobs = std::mem::take(&mut found.without_room);
            found.has_shared = false;
            self.pass(pool, jobs.into_iter(), &mut found);
        }
        for (group, states) in std::mem::take(&mut found.without_room) {
            found.note(&self.plan.trees, group, &states);
        }
        Ok(found)
    }

    fn pass(&self, pool: &Pool, jobs: impl Iterator<Item = Job<'a>> + Send, found: &mut Found<'a>) {
        let (jobs, found) = (Mutex::new(jobs), Mutex::new(found));
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        pool.threads.broadcast(|thread| {
            // If everything is in memory already, more threads than callers do not help.
            if thread.index() >= CALLERS {
                self.callers.wait_as_reader();
            }
            let _end = self.callers.calling_readers_at_end();
            let sharer = Sharer::new(&self.callers, self.cache.root(), self.stop, self.progress);
            let mut worker = Worker::new(&self.plan.trees, self.progress, sharer);
            while !self.stop.is_raised()
                && let Some((group, mut states)) = next()
            {
                let end = worker.share_group(group, &mut states);
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.take_in(&self.plan.trees, group, states, end);
            }
        });
    }
}

impl Outcome<'_> {
    /// The files that now share their data, and the space that frees.
    pub fn shared(&self) -> Shared {
        self.by_entry().into_iter().map(|(_, shared)| shared).sum()
    }

    /// The files that now share their data, by image or layer.
    pub fn by_entry(&self) -> Vec<(&Location, Shared)> {
        self.sums.by_entry(&self.plan.trees)
    }

    /// The files that do not share their data, including those left out of the plan.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Whether it was stopped early.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    /// Bytes freed according to the file system: negative if others have used more meanwhile.
    pub fn freed_by_file_system(&self) -> i64 {
        let (before, after) = self.room;
        after.wrapping_sub(before).cast_signed()
    }
}
