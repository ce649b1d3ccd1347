//! How many descriptors a job may hold.
//!
//! That the system has no descriptor left must never cost a file its place in a size, nor an entry
//! its removal. So a job does not go on until it is refused: it knows beforehand how many it may
//! hold. Each thread has a few of its own, enough to go through any tree whatever its depth and
//! width ([`Trail`](super::trail::Trail)). The rest are permits: a directory that is to stay open while
//! other threads may take up its children needs one. No thread waits for a permit; one that gets none goes
//! on alone.
//!
//! A job stays within its [`Budget`], but others may have taken what was counted on: another part of this
//! process, or all processes together. That mostly passes within moments, so an open that fails for this
//! reason is tried again for a while before it counts as failed ([`patiently`]).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::process::{Resource, getrlimit};

/// What a thread holds at most on its own: the base of a trail, the directory it is in, the next
/// one, and one that the system's own ways of listing and mode repair open on top.
const OWN: usize = 4;
/// More than this many directories a thread has no use for, be the limit as high as it may.
const MOST_PERMITS: usize = 64;
/// Left alone for everything else: the folders of the cache, a ref, `/proc`, a terminal.
const RESERVE: u64 = 8;
/// How many are open already, where the system does not tell.
const USUALLY_OPEN: u64 = 16;

/// The descriptors of one job.
#[derive(Debug)]
pub struct Budget {
    threads: usize,
    permits: AtomicUsize,
}

/// The right to keep one directory open; given back when dropped. It is to be dropped after the
/// directory.
#[derive(Debug)]
pub struct Permit<'b>(&'b Budget);

impl Budget {
    /// For a job that begins now and would like to have `wanted` threads, each with so many `files`
    /// open besides.
    pub fn new(wanted: usize, files: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::share(wanted, OWN + files, limit, count_open().unwrap_or(USUALLY_OPEN))
    }

    fn share(wanted: usize, own: usize, limit: u64, open: u64) -> Self {
        let free = limit.saturating_sub(open.saturating_add(RESERVE));
        let free = usize::try_from(free).unwrap_or(usize::MAX);
        // Threads without a permit could not share a tree: half of it is for permits.
        let threads = wanted.min(free / (2 * own)).max(1);
        let permits = free.saturating_sub(own * threads).min(MOST_PERMITS * threads);
        Self::with(threads, permits)
    }

    /// This many of both, whatever the system allows.
    pub(crate) fn with(threads: usize, permits: usize) -> Self {
        Self { threads, permits: AtomicUsize::new(permits) }
    }

    /// How many threads may work, at least 1.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Takes a permit, if there is one.
    pub fn try_take(&self) -> Option<Permit<'_>> {
        // What was closed before a permit came back is closed for the thread that takes it.
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self.permits.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_less);
        taken.ok().map(|_| Permit(self))
    }
}

/// How many descriptors this process has open. (The standard library's way ends the program if the list
/// cannot be closed.)
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

/// The first pause; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// With eleven of them it is two seconds in all.
const PAUSES: u32 = 11;

/// Set while no thread has got a descriptor since one waited in vain. Where there is none for
/// good, a big tree should fail soon, not after two seconds for each directory in it.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Opens something. If there is no descriptor for it, tries again for two seconds.
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

/// The flag is read far more often than it changes: it should not be written each time.
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
    fn a_permit_comes_back_when_it_is_dropped_and_nobody_waits_for_one() {
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

    // One test: what has been waited for in vain is known to the whole process.
    #[test]
    fn a_shortage_that_passes_is_waited_for_and_one_that_does_not_ends_with_its_cause() {
        assert_eq!(attempts(1, Errno::ACCESS), (1, Err(Errno::ACCESS)));
        assert_eq!(attempts(3, Errno::MFILE), (4, Ok(())));
        assert_eq!(attempts(3, Errno::NFILE), (4, Ok(())));
        let begin = Instant::now();
        assert_eq!(attempts(99, Errno::MFILE).1, Err(Errno::MFILE));
        assert!(begin.elapsed() < Duration::from_secs(5));
        // No thread waits in vain again, until one has got one: be it some other test meanwhile.
        assert!((0..10).any(|_| attempts(99, Errno::MFILE).0 == 1));
        assert_eq!(attempts(0, Errno::MFILE), (1, Ok(())));
        assert!((0..10).any(|_| attempts(1, Errno::MFILE) == (2, Ok(()))));
    }

    #[test]
    fn what_is_open_is_counted() {
        let place = std::env::temp_dir();
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open(&place).unwrap()).collect();
        // Other tests of this process may have more.
        assert!(count_open().unwrap() >= held.len() as u64);
    }
}
