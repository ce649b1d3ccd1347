//! How many file descriptors a job may use.
//!
//! Running out of descriptors must never leave a file out of a size or an entry unremoved. So a job
//! does not open files until it is refused. It knows its limit beforehand. Each thread has a few
//! descriptors of its own, enough to walk a tree of any depth and width
//! ([`Trail`](super::trail::Trail)). The rest are handed out as permits. A directory that stays
//! open so that other threads can work on its children needs one. No thread waits for a permit. A
//! thread that gets none walks the tree alone.
//!
//! A job stays within its [`Budget`], but other parts of this process, or other processes, may have
//! used up descriptors in the meantime. Such a shortage usually passes within moments, so an open
//! that fails because of it is retried for a while before it counts as failed ([`patiently`]).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::process::{Resource, getrlimit};

/// The most descriptors that a thread uses itself: the base of a trail, the current directory, the
/// next one, and one more that listing or repairing a mode opens on some systems.
const OWN: usize = 4;
/// A thread has no use for more open directories than this, however high the limit.
const MOST_PERMITS: usize = 64;
/// Left for everything else: the cache's own folders, a ref, `/proc`, a terminal.
const RESERVE: u64 = 8;
/// Assumed number of open descriptors if the system does not report it.
const USUALLY_OPEN: u64 = 16;

/// The file descriptors of one job.
#[derive(Debug)]
pub struct Budget {
    threads: usize,
    permits: AtomicUsize,
}

/// The right to keep one directory open. Released on drop, so drop it after the directory.
#[derive(Debug)]
pub struct Permit<'b>(&'b Budget);

impl Budget {
    /// A budget for a job that starts now and would like `wanted` threads, each with `files` files
    /// open in addition to its directories.
    pub fn new(wanted: usize, files: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::share(wanted, OWN + files, limit, count_open().unwrap_or(USUALLY_OPEN))
    }

    fn share(wanted: usize, own: usize, limit: u64, open: u64) -> Self {
        let free = limit.saturating_sub(open.saturating_add(RESERVE));
        let free = usize::try_from(free).unwrap_or(usize::MAX);
        // Threads without a permit cannot share a tree, so half of the descriptors are for permits.
        let threads = wanted.min(free / (2 * own)).max(1);
        let permits = free.saturating_sub(own * threads).min(MOST_PERMITS * threads);
        Self::with(threads, permits)
    }

    /// Exactly these numbers, whatever the system allows.
    pub(crate) fn with(threads: usize, permits: usize) -> Self {
        Self { threads, permits: AtomicUsize::new(permits) }
    }

    /// Number of threads to start, at least 1.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Takes a permit if one is left.
    pub fn try_take(&self) -> Option<Permit<'_>> {
        // Pairs with the release: a directory closed before its permit was returned is closed here,
        // too.
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self.permits.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_less);
        taken.ok().map(|_| Permit(self))
    }
}

/// Counts the open descriptors of this process. (The standard library's `read_dir` panics if the
/// directory cannot be closed.)
fn count_open() -> Result<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut count = 0;
    for entry in Dir::new(rustix::fs::open("/dev/fd", flags, Mode::empty())?)? {
        count += u64::from(!entry?.file_name().to_bytes().starts_with(b"."));
    }
    Ok(count)
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.permits.fetch_add(1, Ordering::Release);
    }
}

/// The first pause. Each one is twice as long as the previous.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Eleven pauses add up to two seconds.
const PAUSES: u32 = 11;

/// Set after a thread has waited in vain, until an open succeeds again. If descriptors are
/// exhausted for good, a big tree should fail soon, not after two seconds per directory.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Opens something, and retries for two seconds if no descriptor is free.
pub fn patiently<T>(open: impl Fn() -> Result<T>) -> Result<T> {
    let mut pauses = 0;
    loop {
        match open() {
            Err(Errno::MFILE | Errno::NFILE)
                if pauses < PAUSES && !IN_VAIN.load(Ordering::Relaxed) =>
            {
                std::thread::sleep(FIRST_PAUSE * 2u32.pow(pauses));
                pauses += 1;
            }
            result => {
                note(result.as_ref().err());
                return result;
            }
        }
    }
}

/// Writes the flag only if it changes, because it is read far more often than that.
fn note(cause: Option<&Errno>) {
    let in_vain = matches!(cause, Some(&(Errno::MFILE | Errno::NFILE)));
    if IN_VAIN.load(Ordering::Relaxed) != in_vain {
        IN_VAIN.store(in_vain, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Instant;

    use super::*;

    #[test]
    fn threads_and_permits_stay_within_the_limit_and_within_reason() {
        for (wanted, limit, open, threads, permits) in [
            (16, 1_048_576, 10, 16, 16 * 64),
            (16, u64::MAX, 10, 16, 16 * 64),
            (1, 1024, 10, 1, 64),
            (16, 1024, 10, 16, 1024 - 10 - 8 - 64),
            (1024, 1024, 10, 125, 1024 - 10 - 8 - 500),
            (16, 256, 10, 16, 256 - 10 - 8 - 64),
            (16, 32, 7, 2, 9),
            (16, 26, 10, 1, 4),
            (16, 22, 10, 1, 0),
            (16, 8, 10, 1, 0),
            (0, 1024, u64::MAX, 1, 0),
        ] {
            let budget = Budget::share(wanted, 4, limit, open);
            let found = (budget.threads(), budget.permits.into_inner());
            assert_eq!(found, (threads, permits), "{wanted} threads, {limit} with {open} open");
        }
    }

    #[test]
    fn a_dropped_permit_is_returned_and_no_thread_waits_for_one() {
        let budget = Budget::with(1, 2);
        let first = budget.try_take();
        let second = budget.try_take();
        assert!(first.is_some() && second.is_some() && budget.try_take().is_none());
        drop(first);
        assert!(budget.try_take().is_some());
    }

    fn attempts(failures: u32, cause: Errno) -> (u32, Result<()>) {
        let count = Cell::new(0);
        let result = patiently(|| {
            count.set(count.get() + 1);
            if count.get() <= failures { Err(cause) } else { Ok(()) }
        });
        (count.get(), result)
    }

    // A single test, because `IN_VAIN` is global to the process.
    #[test]
    fn a_passing_shortage_is_waited_out_and_a_lasting_one_fails_with_its_cause() {
        assert_eq!(attempts(1, Errno::ACCESS), (1, Err(Errno::ACCESS)));
        assert_eq!(attempts(3, Errno::MFILE), (4, Ok(())));
        assert_eq!(attempts(3, Errno::NFILE), (4, Ok(())));
        let begin = Instant::now();
        assert_eq!(attempts(99, Errno::MFILE).1, Err(Errno::MFILE));
        assert!(begin.elapsed() < Duration::from_secs(5));
        // No thread waits in vain again until one succeeds, which may be another test meanwhile.
        assert!((0..10).any(|_| attempts(99, Errno::MFILE).0 == 1));
        assert_eq!(attempts(0, Errno::MFILE), (1, Ok(())));
        assert!((0..10).any(|_| attempts(1, Errno::MFILE) == (2, Ok(()))));
    }

    #[test]
    fn open_descriptors_are_counted() {
        let place = std::env::temp_dir();
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open(&place).unwrap()).collect();
        // Other tests of this process may have more files open.
        assert!(count_open().unwrap() >= held.len() as u64);
    }
}
