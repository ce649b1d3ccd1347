//! A request to stop.
//!
//! The caller of a long job keeps one clone and raises it on a signal or from another thread. The
//! workers check theirs between directories, finish what they have started and take on nothing new.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that every clone shares. Once raised, it stays raised.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every worker with a clone to stop. Returns at once.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was requested.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The underlying flag, for a signal handler.
    #[cfg(feature = "cli")]
    pub(crate) fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
