//! Ctrl-C and SIGTERM: no new work, then an orderly end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::stop::StopFlag;

/// Which signal has come, if any.
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
    pub fn listen() -> std::io::Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        let impatient = Arc::new(AtomicBool::new(false));
        let number = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&raised))?;
            flag::register_conditional_default(signal, Arc::clone(&impatient))?;
            flag::register_usize(signal, Arc::clone(&number), signal as usize)?;
            flag::register(signal, Arc::clone(&raised))?;
        }
        Ok(Self { stop: raised.into(), impatient, number })
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
