//! How many threads work, with how many descriptors, and who watches them.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rayon::{ThreadPool, ThreadPoolBuildError};

use crate::error::{Error, Result, without_number};
use crate::fs::Budget;
use crate::stop::StopFlag;

/// The time between two looks at a job.
const TICK: Duration = Duration::from_millis(100);

/// How often a single thread is asked for again, and the time between two attempts.
const LAST_ATTEMPTS: u32 = 10;
const ATTEMPT_STEP: Duration = Duration::from_millis(10);

/// How many threads work, at most: a deletion takes as many of them as its file system rewards.
///
/// Sizing and deleting wait for the disk, or for the kernel's locks, far more than they compute.
/// So the default does not follow the number of cores alone. Where the system allows few open
/// files or few threads, fewer work than were asked for.
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
    /// With as many threads as there may be, if there are not as many to be had as are wanted.
    pub fn new(budget: Budget) -> Result<Self> {
        let (mut jobs, mut attempts) = (budget.threads(), LAST_ATTEMPTS);
        loop {
            match start(jobs) {
                Ok(threads) => return Ok(Self { threads: Arc::new(threads), budget }),
                Err(_) if jobs > 1 => jobs /= 2,
                Err(_) if attempts > 0 => attempts -= 1,
                Err(error) => {
                    let cause = without_number(&error.to_string()).to_owned();
                    return Err(Error::Threads { jobs, cause });
                }
            }
            // Those that have been started take a moment to end, and count until then.
            std::thread::sleep(ATTEMPT_STEP);
        }
    }
}

fn start(jobs: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let name = |index| format!("bbox-{index}");
    rayon::ThreadPoolBuilder::new().num_threads(jobs).thread_name(name).build()
}

/// Runs `work` on a thread of its own. Calls `look` on this one about ten times a second, until the work
/// is over: not at all if that is before the first look, or if there is no thread to be had; then the work
/// is done on this one.
///
/// A panic of either goes on here, once the work has ended: if `look` panics, `stop` is raised for that.
pub(crate) fn watched<T: Send>(
    stop: &StopFlag,
    work: impl FnOnce() -> T + Send,
    mut look: impl FnMut(),
) -> T {
    aside(work, |end| {
        // In here: what is outside is dropped only once the work has ended.
        let _stops = OnPanic(|| stop.raise());
        while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            look();
        }
    })
}

/// Runs `work` on a thread of its own, or on this one if there is no thread to be had. Meanwhile this one
/// calls `wait` with a channel that closes when the work is done, or has panicked.
pub(crate) fn aside<T: Send>(
    work: impl FnOnce() -> T + Send,
    wait: impl FnOnce(&Receiver<Infallible>),
) -> T {
    let work = Mutex::new(Some(work));
    let run = || {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.map(|work| work()).expect("it is run once")
    };
    std::thread::scope(|scope| {
        let (sender, end) = bounded(0);
        let run_and_tell = move || {
            let _sender = sender;
            run()
        };
        match std::thread::Builder::new().spawn_scoped(scope, run_and_tell) {
            Ok(worker) => {
                wait(&end);
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            Err(_) => run(),
        }
    })
}

/// Does something if it is dropped by a panic: for other threads that wait for this one.
pub(crate) struct OnPanic<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
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
        watched(&stop, || work_until(&stop), look);
        assert_eq!(looks, 2);
    }

    #[test]
    fn work_that_is_over_at_once_is_not_looked_at() {
        let found = watched(&StopFlag::new(), || 7, || panic!("there is nothing to see"));
        assert_eq!(found, 7);
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
