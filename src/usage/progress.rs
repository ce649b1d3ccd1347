//! Counters that workers bump and a face can read.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use bytesize::ByteSize;

use super::amounts::Usage;
use crate::stop::StopFlag;

/// How far the work on a tree has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Nobody has begun.
    Waiting,
    /// Somebody works on it.
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
    stage: AtomicU8,
}

impl Counters {
    pub(crate) fn add(&self, usage: &Usage) {
        for (counter, amount) in [
            (&self.apparent, usage.apparent.as_u64()),
            (&self.on_disk, usage.on_disk.as_u64()),
            (&self.files, usage.files),
            (&self.directories, usage.directories),
            (&self.unreadable, usage.unreadable),
        ] {
            if amount != 0 {
                counter.fetch_add(amount, Relaxed);
            }
        }
    }

    pub(crate) fn enter(&self, stage: Phase) {
        self.stage.store(stage as u8, Relaxed);
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
    pub fn stage(&self) -> Phase {
        match self.stage.load(Relaxed) {
            waiting if waiting == Phase::Waiting as u8 => Phase::Waiting,
            working if working == Phase::Working as u8 => Phase::Working,
            _ => Phase::Done,
        }
    }
}

/// A job on several trees, as seen from outside: counters for each, and a way to stop it.
#[derive(Debug)]
pub struct Progress {
    counters: Vec<Counters>,
    stop: StopFlag,
}

impl Progress {
    /// For a job on `trees` trees that ends early once `stop` is raised.
    pub fn new(trees: usize, stop: StopFlag) -> Self {
        Self { counters: (0..trees).map(|_| Counters::default()).collect(), stop }
    }

    /// Counters for each tree, in the order in which the trees were given.
    pub fn counters(&self) -> &[Counters] {
        &self.counters
    }

    /// The flag that ends the job early.
    pub fn stop(&self) -> &StopFlag {
        &self.stop
    }
}
