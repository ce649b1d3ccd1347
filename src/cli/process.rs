//! This process: signals that ask it to stop, and its limits.

use crate::stop::StopFlag;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Which signal has come, if any.
#[derive(Default)]
pub struct Signals {
    stop: StopFlag,
    /// Whether a signal is to end the program at once.
    impatient: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to listen. The second signal ends the program at once.
    ///
    /// # Errors
    /// The system refused.
    pub fn listen(&self) -> std::io::Result<()> {
        let raised = self.stop.shared();
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&raised))?;
            flag::register_conditional_default(signal, Arc::clone(&self.impatient))?;
            flag::register_usize(signal, Arc::clone(&self.number), signal as usize)?;
            flag::register(signal, Arc::clone(&raised))?;
        }
        Ok(())
    }

    /// The flag that is raised when a signal comes.
    pub fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Runs what does not look at the flag, such as a question: a signal ends the program.
    pub fn let_through<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.impatient.store(true, Ordering::Relaxed);
        let answer = ask();
        self.impatient.store(false, Ordering::Relaxed);
        answer
    }

    /// The exit code that a shell gives to a program ended by the signal that has come.
    pub fn exit_code(&self) -> u8 {
        let number = self.number.load(Ordering::Relaxed);
        u8::try_from(128 + number).unwrap_or(1)
    }
}

/// macOS refuses a larger number even where it says "unlimited".
const MOST_ON_MACOS: u64 = 10_240;

/// Allows as many open files as the system lets this process have: some begin with 256, and the
/// more there are the more threads can share a tree.
pub fn raise_open_files() {
    let original = getrlimit(Resource::Nofile);
    let highest = highest(original.maximum);
    if is_below(original.current, highest) {
        // With fewer files the work takes fewer threads; it succeeds all the same.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: highest, ..original });
    }
}

/// `None` is no limit at all.
fn highest(maximum: Option<u64>) -> Option<u64> {
    if cfg!(target_vendor = "apple") {
        Some(maximum.map_or(MOST_ON_MACOS, |maximum| maximum.min(MOST_ON_MACOS)))
    } else {
        maximum
    }
}

fn is_below(current: Option<u64>, highest: Option<u64>) -> bool {
    current.is_some_and(|current| highest.is_none_or(|highest| current < highest))
}
