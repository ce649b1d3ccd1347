//! The progress of a survey or run, for a caller to read meanwhile.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytesize::ByteSize;

/// Counters of a survey or of a run.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    pub(super) fn of_run(total: u64) -> Self {
        Self { total: AtomicU64::new(total), ..Self::default() }
    }

    pub(super) fn add_files(&self, files: u64) {
        self.files.fetch_add(files, Relaxed);
    }

    pub(super) fn add_total(&self, bytes: u64) {
        self.total.fetch_add(bytes, Relaxed);
    }

    pub(super) fn add_done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Relaxed);
    }

    /// The number of files checked so far.
    pub fn files(&self) -> u64 {
        self.files.load(Relaxed)
    }

    /// The number of bytes to compare; in a survey, as far as they have been found.
    pub fn total(&self) -> ByteSize {
        ByteSize::b(self.total.load(Relaxed))
    }

    /// The number of bytes compared so far.
    pub fn done(&self) -> ByteSize {
        ByteSize::b(self.done.load(Relaxed))
    }
}
