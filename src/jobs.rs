//! The worker threads of a job, their file descriptors, and the loop that watches them.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rayon::{ThreadPool, ThreadPoolBuildError};

use crate::error::{Error, Result, without_number};
use crate::fs::Budget;
use crate::stop::StopFlag;

/// The interval between two calls of `look`.
const TICK: Duration = Duration::from_millis(100);

/// How often to retry starting a single thread, and the pause between attempts.
const LAST_ATTEMPTS: u32 = 10;
const ATTEMPT_STEP: Duration = Duration::from_millis(10);

/// The maximum number of worker threads. A deletion uses only as many as speed it up on its file
/// system.
///
/// Sizing and deleting spend far more time waiting for the disk or for kernel locks than computing,
/// so the default does not depend on the number of cores. If the system allows only a few open
/// files or threads, fewer are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jobs(NonZeroUsize);

/// The threads of one job, and its budget of file descriptors.
pub(crate) struct Pool {
    pub threads: Arc<ThreadPool>,
    pub budget: Budget,
}

/// By default 32 threads. On two cores and ext4 this is the best number, or close to it, for sizing
/// a cold and a warm cache, and more than a deletion ever needs (`docs/performance.md`).
impl Default for Jobs {
    fn default() -> Self {
        Self(NonZeroUsize::MIN.saturating_add(31))
    }
}

impl Jobs {
    /// The largest number of threads accepted.
    pub const MAX: usize = 1024;

    /// `None` for 0 and for more than [`Jobs::MAX`].
    pub fn new(jobs: usize) -> Option<Self> {
        NonZeroUsize::new(jobs).filter(|jobs| jobs.get() <= Self::MAX).map(Self)
    }

    /// The number of threads.
    pub fn get(self) -> usize {
        self.0.get()
    }

    /// A pool whose threads may each have `files` files open in addition to their directories.
    pub(crate) fn pool_with_files(self, files: usize) -> Result<Pool> {
        Pool::new(Budget::new(self.get(), files))
    }
}

impl Pool {
    /// Starts fewer threads if the system does not allow as many as the budget.
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
            // Threads already started take a moment to end, and count against the limit until then.
            std::thread::sleep(ATTEMPT_STEP);
        }
    }
}

fn start(jobs: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let name = |index| format!("bbox-{index}");
    rayon::ThreadPoolBuilder::new().num_threads(jobs).thread_name(name).build()
}

/// Runs `work` on a thread of its own and calls `look` on this one about ten times a second until
/// the work is done. `look` is never called if the work is done before the first tick, or if no
/// thread can be started: then `work` runs on this thread.
///
/// A panic in either is propagated once the work has ended. If `look` panics, `stop` is raised so
/// that the work ends.
pub(crate) fn watched<T: Send>(
    stop: &StopFlag,
    work: impl FnOnce() -> T + Send,
    mut look: impl FnMut(),
) -> T {
    aside(work, |end| {
        // Inside the closure, because anything outside is dropped only after the work has ended.
        let _stops = OnPanic(|| stop.raise());
        while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            look();
        }
    })
}

/// Runs `work` on a thread of its own, or on this one if no thread can be started. Meanwhile this
/// thread calls `wait` with a channel that closes when the work has finished or panicked.
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

/// Runs a closure if dropped by a panic, for the sake of other threads that wait for this one.
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
    fn look_can_stop_the_work() {
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
    fn work_that_is_done_at_once_is_not_watched() {
        let found = watched(&StopFlag::new(), || 7, || panic!("there is nothing to see"));
        assert_eq!(found, 7);
    }

    #[test]
    fn a_panic_in_either_ends_both() {
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
