//! Counters that workers bump, and the caller may read meanwhile.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use bytesize::ByteSize;

use super::amounts::Usage;
use crate::cache::Location;
use crate::stop::StopFlag;

/// How far the work on a tree has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The work has not begun.
    Waiting,
    /// It is being worked on.
    Working,
    /// Nothing is left to do.
    Done,
}

/// A [`Usage`] that many threads add to. Workers add a directory at a time, not a file.
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
            // Lengths of sparse files may add up to more than there are numbers.
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

    /// What has been counted so far. The counters are read one by one, while others add to them.
    pub fn usage(&self) -> Usage {
        Usage {
            apparent: ByteSize::b(self.apparent.load(Relaxed)),
            on_disk: ByteSize::b(self.on_disk.load(Relaxed)),
            files: self.files.load(Relaxed),
            directories: self.directories.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
        }
    }

    /// How far the work has come.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            waiting if waiting == Phase::Waiting as u8 => Phase::Waiting,
            working if working == Phase::Working as u8 => Phase::Working,
            _ => Phase::Done,
        }
    }
}

/// A job on several trees, as seen from outside: how far each of them is, and a way to stop it.
#[derive(Debug)]
pub struct Progress {
    trees: Vec<(Location, Counters)>,
    stop: StopFlag,
}

impl Progress {
    /// For a job on what lies at `locations` that ends early once `stop` is raised. A
    /// [`Meter`](super::Meter) makes its own.
    pub fn for_items<'l>(
        locations: impl IntoIterator<Item = &'l Location>,
        stop: StopFlag,
    ) -> Self {
        let trees = locations.into_iter().map(|at| (at.clone(), Counters::default()));
        Self { trees: trees.collect(), stop }
    }

    /// Each tree with its counters, in the order in which the trees were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Location, &Counters)> {
        self.trees.iter().map(|(location, counters)| (location, counters))
    }

    /// What has been counted so far in all trees; an inode with names in several counts in each.
    pub fn total(&self) -> Usage {
        self.iter().map(|(_, counters)| counters.usage()).sum()
    }

    /// The flag that ends the job early.
    pub fn stop(&self) -> &StopFlag {
        &self.stop
    }

    /// The counters of a tree, by its place in the order in which they were given.
    pub(crate) fn counters(&self, place: usize) -> &Counters {
        &self.trees[place].1
    }
}
