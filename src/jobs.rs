//! How many threads work, and with how many descriptors.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::ThreadPool;

use crate::error::{Error, Result, without_number};
use crate::fs::Budget;

/// How many threads work.
///
/// Sizing and deleting wait for the disk, or for the kernel's locks, far more than they compute.
/// So the default does not follow the number of cores alone. Where the system allows few open
/// files, fewer threads work than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jobs(NonZeroUsize);

/// The threads of one job, and the descriptors that they may hold.
pub(crate) struct Pool {
    pub threads: Arc<ThreadPool>,
    pub budget: Budget,
}

/// 32: on two cores and ext4 the best or nearly so for sizing a cold cache, sizing a warm one, and
/// deleting (`docs/performance.md`).
impl Default for Jobs {
    fn default() -> Self {
        Self(NonZeroUsize::MIN.saturating_add(31))
    }
}

impl Jobs {
    /// The most threads that may be asked for.
    pub const MAX: usize = 1024;

    /// `None` for 0 and for more than [`Jobs::MAX`].
    pub fn new(jobs: usize) -> Option<Self> {
        NonZeroUsize::new(jobs).filter(|jobs| jobs.get() <= Self::MAX).map(Self)
    }

    /// The number of threads.
    pub fn get(self) -> usize {
        self.0.get()
    }

    pub(crate) fn pool(self) -> Result<Pool> {
        self.pool_with_files(0)
    }

    /// The same with so many open files for each thread.
    pub(crate) fn pool_with_files(self, files: usize) -> Result<Pool> {
        Pool::new(Budget::new(self.get(), files))
    }
}

impl Pool {
    pub fn new(budget: Budget) -> Result<Self> {
        let jobs = budget.threads();
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .thread_name(|index| format!("bbox-{index}"))
            .build()
            .map_err(|error| {
                let text = error.to_string();
                Error::Threads { jobs, cause: without_number(&text).to_owned() }
            })?;
        Ok(Self { threads: Arc::new(threads), budget })
    }
}
