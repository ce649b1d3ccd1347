//! A plan carried out: groups are worked off side by side, the largest first.
//!
//! On a full disk the first files may find no room for the metadata, and smaller ones behind them do. What those give
//! back makes room for the others, so these are tried again for as long as that helps.

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

/// More threads than this do not read faster.
const MOST_READERS: usize = 8;
/// A source and a destination.
const OPENED: usize = 2;

/// What has come of a plan.
#[derive(Debug)]
pub struct Outcome<'p> {
    plan: &'p Plan,
    sums: Sums,
    left_out: LeftOut,
    is_interrupted: bool,
    /// Free bytes on the file system before and after.
    room: (u64, u64),
}

/// Lets files share their data. Raising `stop` ends it soon, with what was shared until then. `watch` is called about
/// ten times a second.
///
/// # Errors
/// The threads cannot be started, or the file system does not tell its free bytes. A file that cannot be shared is
/// [left out](Outcome::left_out).
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

/// A group, and what has come of its destinations so far.
type Job<'a> = (&'a Group, Vec<State>);

impl<'a> Run<'a> {
    fn work(&self, pool: &Pool) -> Result<Found<'a>> {
        let fresh = |group: &'a Group| (group, vec![State::Open; group.destinations.len()]);
        let mut found = Found::default();
        self.pass(pool, self.plan.groups.iter().map(fresh), &mut found);
        while !found.without_room.is_empty() && found.has_shared {
            self.cache
                .root()
                .settle()
                .context("write out the file system of", self.cache.path())?;
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
            // What is in memory already takes no more threads than may call.
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
    /// What has come to share its data, and how much that frees.
    pub fn shared(&self) -> Shared {
        self.by_entry().into_iter().map(|(_, shared)| shared).sum()
    }

    /// What has come to share its data, by image or layer.
    pub fn by_entry(&self) -> Vec<(&Location, Shared)> {
        self.sums.by_entry(&self.plan.trees)
    }

    /// The files that do not share their data, those of the plan included.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Whether it was stopped before it had tried everything.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    /// What the file system says has come back; less than nothing if others have taken more meanwhile.
    pub fn freed_by_file_system(&self) -> i64 {
        let (before, after) = self.room;
        after.wrapping_sub(before).cast_signed()
    }
}
