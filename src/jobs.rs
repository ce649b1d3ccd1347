//! How many threads work, with how many descriptors, and who watches them.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use rayon::ThreadPool;

use crate::error::{Error, Result, cause, without_number};
use crate::fs::Budget;
use crate::stop::StopFlag;

/// The time between two looks at a job.
const TICK: Duration = Duration::from_millis(100);

/// How many threads work, at most: a deletion takes as many of them as its file system rewards.
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

/// 32: on two cores and ext4 the best or nearly so for sizing a cold cache and a warm one, and more than
/// a deletion ever needs (`docs/performance.md`).
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

    /// A pool whose threads may each have so many files open besides their directories.
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

/// Runs `work` on a thread of its own. Calls `look` on this one about ten times a second, until the work
/// is over: not at all if that is before the first look.
///
/// A panic of either goes on here, once the work has ended: if `look` panics, `stop` is raised for that.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn watched<T: Send>(
    stop: &StopFlag,
    work: impl FnOnce() -> T + Send,
    mut look: impl FnMut(),
) -> Result<T> {
    std::thread::scope(|scope| {
        let _stops = StopOnPanic(stop);
        // The work owns the sender, so the channel closes when the work is done, or has panicked.
        let (sender, end) = bounded::<Infallible>(0);
        let work = move || {
            let _sender = sender;
            work()
        };
        let worker = std::thread::Builder::new()
            .spawn_scoped(scope, work)
            .map_err(|error| Error::Threads { jobs: 1, cause: cause(&error) })?;
        while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            look();
        }
        Ok(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Raises a flag if it is dropped by a panic.
struct StopOnPanic<'a>(&'a StopFlag);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.raise();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn work_until(stop: &StopFlag) {
        while !stop.is_raised() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn whoever_looks_can_stop_the_work() {
        let (stop, mut looks) = (StopFlag::new(), 0);
        let look = || {
            looks += 1;
            if looks == 2 {
                stop.raise();
            }
        };
        watched(&stop, || work_until(&stop), look).unwrap();
        assert_eq!(looks, 2);
    }

    #[test]
    fn work_that_is_over_at_once_is_not_looked_at() {
        let found = watched(&StopFlag::new(), || 7, || panic!("there is nothing to see"));
        assert_eq!(found.unwrap(), 7);
    }

    #[test]
    fn a_panic_of_either_ends_both() {
        let stop = StopFlag::new();
        let look = || panic!("look");
        let of_look = catch_unwind(AssertUnwindSafe(|| watched(&stop, || work_until(&stop), look)));
        assert_eq!(of_look.unwrap_err().downcast_ref(), Some(&"look"));
        assert!(stop.is_raised());
        let work = || -> () { panic!("work") };
        let of_work = catch_unwind(|| watched(&StopFlag::new(), work, || {}));
        assert_eq!(of_work.unwrap_err().downcast_ref(), Some(&"work"));
    }
}
