//! Waiting for a descriptor.
//!
//! A job stays within its [`Budget`](super::Budget), but others may have taken what was counted on:
//! another part of this process, or all processes together. That mostly passes within moments, so
//! an open that fails for this reason is tried again for a while before it counts as failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{Errno, Result};

/// The first pause; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// With eleven of them it is two seconds in all.
const PAUSES: u32 = 11;

/// Set while nobody has got a descriptor since somebody waited in vain. Where there is none for
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

    /// How often `open` is called if it fails this many times first, and what comes of it.
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
        // Nobody waits in vain again, until somebody has got one: be it some other test meanwhile.
        assert!((0..10).any(|_| attempts(99, Errno::MFILE).0 == 1));
        assert_eq!(attempts(0, Errno::MFILE), (1, Ok(())));
        assert!((0..10).any(|_| attempts(1, Errno::MFILE) == (2, Ok(()))));
    }
}
