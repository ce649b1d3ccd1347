//! This process: signals that ask it to stop, and its limits.
//!
//! The first signal raises a flag that lets the work end in good order. While the work is blocked
//! in the kernel, by a file system that does not respond, it cannot see the flag. So it runs in a
//! separate thread, and after a moment the main thread ends the program without it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::inherited::is_ignored;
use crate::jobs::aside;
use crate::stop::StopFlag;

/// How long the work may take to end after a signal.
const GRACE: Duration = Duration::from_millis(700);
/// How often to check the flag.
const TICK: Duration = Duration::from_millis(50);

/// The last signal received, if any.
#[derive(Default)]
pub struct Signals {
    stop: StopFlag,
    /// Whether a signal ends the program at once.
    impatient: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts listening for signals, except those that the program inherited as ignored. The second
    /// signal ends the program at once.
    ///
    /// # Errors
    /// Fails if the system refuses.
    pub fn listen(&self) -> std::io::Result<()> {
        self.listen_to(&[SIGHUP, SIGINT, SIGTERM])
    }

    /// Listens for these signals, too.
    ///
    /// # Errors
    /// Fails if the system refuses.
    pub fn listen_to(&self, signals: &[i32]) -> std::io::Result<()> {
        let raised = self.stop.shared();
        for signal in signals.iter().copied().filter(|&signal| !is_ignored(signal)) {
            flag::register_conditional_default(signal, Arc::clone(&raised))?;
            flag::register_conditional_default(signal, Arc::clone(&self.impatient))?;
            flag::register_usize(signal, Arc::clone(&self.number), signal as usize)?;
            flag::register(signal, Arc::clone(&raised))?;
        }
        Ok(())
    }

    /// The flag that is raised by a signal.
    pub fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Runs `work` [aside]. If it has not ended a moment after a signal, calls `give_up` and ends
    /// the program.
    pub fn end_in_time<T: Send>(
        &self,
        work: impl FnOnce() -> T + Send,
        give_up: impl FnOnce(),
    ) -> T {
        aside(work, |end| self.wait_for(end, give_up))
    }

    fn wait_for(&self, end: &Receiver<Infallible>, give_up: impl FnOnce()) {
        let mut signalled = None;
        while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if signalled.is_none() && self.stop.is_raised() {
                signalled = Some(Instant::now());
            }
            if signalled.is_some_and(|since| since.elapsed() >= GRACE) {
                give_up();
                // The thread is blocked in the kernel, and can be neither joined nor woken.
                std::process::exit(self.exit_code().into());
            }
        }
    }

    /// Runs code that does not check the flag, such as a question: a signal ends the program.
    pub fn let_through<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.impatient.store(true, Ordering::Relaxed);
        let answer = ask();
        self.impatient.store(false, Ordering::Relaxed);
        answer
    }

    /// The exit code that shells use for a program ended by the received signal.
    pub fn exit_code(&self) -> u8 {
        let number = self.number.load(Ordering::Relaxed);
        u8::try_from(128 + number).unwrap_or(1)
    }
}

/// macOS refuses a higher limit even if it reports "unlimited".
const MOST_ON_MACOS: u64 = 10_240;

/// Raises the limit of open files as far as allowed. The default is only 256 on some systems, and
/// more open files let more threads share a tree.
pub fn raise_open_files() {
    let original = getrlimit(Resource::Nofile);
    let highest = highest(original.maximum);
    if is_below(original.current, highest) {
        // With fewer files, fewer threads work; the result is the same.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: highest, ..original });
    }
}

/// The highest limit that can be set; `None` is no limit.
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
