//! A plan carried out: groups are worked off side by side, the files of one group one after the other.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::group::{Destination, Group, SetId, TreeId};
use super::left_out::{LeftOut, Reason};
use super::plan::{Plan, Shared, Sums};
use super::progress::Progress;
use super::share::{self, Callers, Sharer, Source, layout};
use super::trees::Tree;
use crate::cache::{Location, LockedCache};
use crate::error::Result;
use crate::fs::{Budget, DataFile, Kind};
use crate::jobs::{Jobs, Pool, watched};
use crate::stop::StopFlag;

/// More threads than this do not read faster.
const MOST_READERS: usize = 4;
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
    let (callers, next) = (Callers::new(), AtomicUsize::new(0));
    let found = Mutex::<Found>::default();
    let work = || {
        pool.threads.broadcast(|_| {
            let sharer = Sharer::new(&callers, cache.root(), stop, &progress);
            let mut worker =
                Worker { trees: &plan.trees, found: &found, progress: &progress, sharer };
            while let Some(group) = plan.groups.get(next.fetch_add(1, Ordering::Relaxed))
                && !stop.is_raised()
            {
                worker.share_group(group);
            }
        });
    };
    watched(stop, work, || watch(&progress));
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Found { sums, left_out, groups } = found;
    let is_interrupted = groups < plan.groups.len();
    let room = (before, cache.free_bytes()?);
    Ok(Outcome { plan, sums, left_out, is_interrupted, room })
}

#[derive(Default)]
struct Found {
    sums: Sums,
    left_out: LeftOut,
    /// How many groups have come to their end.
    groups: usize,
}

struct Worker<'a> {
    trees: &'a [Tree],
    found: &'a Mutex<Found>,
    progress: &'a Progress,
    sharer: Sharer<'a>,
}

/// What has come of a destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing yet, or it is a source by now.
    Open,
    Done,
    Left(Reason, Option<Errno>),
}

impl Worker<'_> {
    /// Files that are not equal to the source may be equal to each other: then the first of them is the next source.
    fn share_group(&mut self, group: &Group) {
        let mut states = vec![State::Open; group.destinations.len()];
        let mut left: Vec<_> = (0..group.destinations.len()).collect();
        let (mut tree, mut set) = (group.source, group.source_set);
        while !left.is_empty() && !self.sharer.stop.is_raised() {
            let others = match self.open_source(group, tree) {
                Some(source) => self.share_with(group, &source, set, &left, &mut states),
                None => left,
            };
            // A single one has nothing left to share with.
            let Some((&first, rest)) = others.split_first() else { break };
            (tree, set) = (group.destinations[first].tree, group.destinations[first].set);
            left = rest.to_vec();
        }
        self.note(group, &states);
    }

    /// Lets these destinations share the data of a source. Returns those that are not like it.
    fn share_with(
        &mut self,
        group: &Group,
        source: &Source,
        set: SetId,
        left: &[usize],
        states: &mut [State],
    ) -> Vec<usize> {
        let mut others = Vec::new();
        for &number in left.iter().filter(|&&number| group.destinations[number].set != set) {
            let destination = group.destinations[number];
            let whole = destination.whole && set == group.source_set;
            states[number] = self.share(group, source, Destination { whole, ..destination });
            if matches!(states[number], State::Left(Reason::Unequal | Reason::Unlike, _)) {
                others.push(number);
            }
        }
        others
    }

    fn share(&mut self, group: &Group, source: &Source, destination: Destination) -> State {
        let file = match self.open(group, destination.tree) {
            Ok(file) => file,
            Err(cause) => return State::Left(Reason::of_open(cause), Some(cause)),
        };
        match self.sharer.share(source, &file, group.size, destination.whole) {
            Ok(share::Shared::Whole) => State::Done,
            Ok(share::Shared::Changed) => State::Left(Reason::Changed, None),
            Ok(share::Shared::Unequal) => State::Left(Reason::Unequal, None),
            Ok(share::Shared::Interrupted) => State::Open,
            Err(cause) => State::Left(Reason::of_sharing(cause), Some(cause)),
        }
    }

    fn open_source(&self, group: &Group, tree: TreeId) -> Option<Source> {
        let opened = self.open(group, tree);
        let opened = opened.and_then(|file| Ok((layout(&file, group.size)?, file)));
        let (reason, cause) = match opened {
            Ok((Some(layout), file)) => return Some(Source { file, layout }),
            Ok((None, _)) => (Reason::Changed, None),
            Err(cause) => (Reason::of_open(cause), Some(cause)),
        };
        self.found().left_out.add(reason, || self.path(group, tree), cause);
        None
    }

    /// A file that is not what it was is gone.
    fn open(&self, group: &Group, tree: TreeId) -> rustix::io::Result<DataFile> {
        let file = self.trees[tree as usize].top.open_data_below(&group.path)?;
        let status = file.status()?;
        let is_same = status.kind == Kind::File && status.size == group.size;
        if is_same { Ok(file) } else { Err(Errno::NOENT) }
    }

    fn path(&self, group: &Group, tree: TreeId) -> PathBuf {
        self.trees[tree as usize].path_of(&group.path)
    }

    /// A set has given its space back once all of its files are done.
    fn note(&mut self, group: &Group, states: &[State]) {
        let mut found = self.found();
        let mut rest = states;
        for set in group.destinations.chunk_by(|one, next| one.set == next.set) {
            let (states, behind) = rest.split_at(set.len());
            rest = behind;
            for (destination, state) in set.iter().zip(states) {
                match *state {
                    State::Open => {}
                    State::Done => found.sums.add_file(destination.tree),
                    State::Left(reason, cause) => {
                        found.left_out.add(reason, || self.path(group, destination.tree), cause);
                    }
                }
            }
            if states.iter().all(|state| *state == State::Done) {
                let last = set[set.len() - 1];
                found.sums.add_bytes(last.tree, last.bytes);
            }
        }
        found.groups += usize::from(!self.sharer.stop.is_raised());
        drop(found);
        self.progress.add_done(group.work().saturating_sub(self.sharer.take_told()));
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The files that were to share their data, and do not.
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
