//! Taking turns at what more threads at once only slow down.
//!
//! XFS has a lock for what is shared in a quarter of the disk, and takes it for each extent. Threads
//! that find it taken sleep, and are woken in turn: with two of them an extent took three times as
//! long as with one, with four ten times. So one asks at a time. Waiting on a `Mutex` for that, while
//! the thread that has it works, took a third longer than waiting on a `Condvar`.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Something that one thread does at a time.
#[derive(Debug, Default)]
pub struct Turn {
    is_taken: Mutex<bool>,
    ended: Condvar,
}

/// Whoever has it may do it.
pub struct Taken<'t>(&'t Turn);

impl Turn {
    /// Waits until nobody else has it.
    pub fn take(&self) -> Taken<'_> {
        let is_free = self.ended.wait_while(self.lock(), |is_taken| *is_taken);
        *is_free.unwrap_or_else(PoisonError::into_inner) = true;
        Taken(self)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.ended.notify_one();
    }
}
