//! Counters that workers update while the caller reads them.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use bytesize::ByteSize;

use super::amounts::Usage;
use crate::cache::Location;
use crate::stop::StopFlag;

/// How far the work on a tree has progressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Not started yet.
    Waiting,
    /// In progress.
    Working,
    /// Finished.
    Done,
}

/// A [`Usage`] that many threads add to. Workers add once per directory, not per file.
#[derive(Debug, Default)]
pub struct Counters {
    apparent: AtomicU64,
    on_disk: AtomicU64,
    files: AtomicU64,
    directories: AtomicU64,
    unreadable: AtomicU64,
    phase: AtomicU8,
}

impl Counters {
    pub(crate) fn add(&self, usage: &Usage) {
        for (counter, amount) in [(&self.apparent, usage.apparent), (&self.on_disk, usage.on_disk)]
        {
            // The lengths of sparse files may add up to more than a `u64`.
            let most = |bytes: u64| Some(bytes.saturating_add(amount.as_u64()));
            if amount.as_u64() != 0 {
                counter.fetch_update(Relaxed, Relaxed, most).unwrap_or_default();
            }
        }
        for (counter, amount) in [
            (&self.files, usage.files),
            (&self.directories, usage.directories),
            (&self.unreadable, usage.unreadable),
        ] {
            if amount != 0 {
                counter.fetch_add(amount, Relaxed);
            }
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// The counts so far. The counters are read one by one while others add to them.
    pub fn usage(&self) -> Usage {
        Usage {
            apparent: ByteSize::b(self.apparent.load(Relaxed)),
            on_disk: ByteSize::b(self.on_disk.load(Relaxed)),
            files: self.files.load(Relaxed),
            directories: self.directories.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
        }
    }

    /// How far the work has progressed.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            waiting if waiting == Phase::Waiting as u8 => Phase::Waiting,
            working if working == Phase::Working as u8 => Phase::Working,
            _ => Phase::Done,
        }
    }
}

/// A job on several trees, as seen from outside: the progress of each tree, and a way to stop it.
#[derive(Debug)]
pub struct Progress {
    trees: Vec<(Location, Counters)>,
    stop: StopFlag,
}

impl Progress {
    /// The progress of a job on the trees at `locations` that ends early once `stop` is raised. A
    /// [`Meter`](super::Meter) creates its own.
    pub fn for_items<'l>(
        locations: impl IntoIterator<Item = &'l Location>,
        stop: StopFlag,
    ) -> Self {
        let trees = locations.into_iter().map(|at| (at.clone(), Counters::default()));
        Self { trees: trees.collect(), stop }
    }

    /// The trees with their counters, in their original order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Location, &Counters)> {
        self.trees.iter().map(|(location, counters)| (location, counters))
    }

    /// The counts so far in all trees. An inode with names in several trees counts in each.
    pub fn total(&self) -> Usage {
        self.iter().map(|(_, counters)| counters.usage()).sum()
    }

    /// The flag that ends the job early.
    pub fn stop(&self) -> &StopFlag {
        &self.stop
    }

    /// The counters of a tree, by its position in the original order.
    pub(crate) fn counters(&self, place: usize) -> &Counters {
        &self.trees[place].1
    }
}
