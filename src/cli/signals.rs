//! Ctrl-C and SIGTERM: no new work, then an orderly end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::stop::StopFlag;

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
