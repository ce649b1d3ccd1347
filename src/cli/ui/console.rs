//! Where the program writes: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::theme::{ERROR, WARNING};
use crate::error::cause;

/// Data could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the result: {}", cause(.0))]
pub struct OutputError(io::Error);

/// The two streams, and what the user wants to see on them.
pub struct Console {
    pub color: ColorChoice,
    /// Whether bars are welcome; they are drawn on a terminal only.
    pub progress: bool,
    pub quiet: bool,
    pub verbose: bool,
}

impl Console {
    /// Writes data, with its colours if they are wanted.
    pub fn write(&self, text: impl AsRef<[u8]>) -> Result<(), OutputError> {
        Self::write_to(AutoStream::new(io::stdout().lock(), self.color), text.as_ref())
    }

    /// Writes data byte for byte.
    pub fn write_raw(&self, bytes: &[u8]) -> Result<(), OutputError> {
        Self::write_to(io::stdout().lock(), bytes)
    }

    /// Writes a line of data.
    pub fn line(&self, text: impl Display) -> Result<(), OutputError> {
        self.write(format!("{text}\n"))
    }

    /// A reader who has hung up has read enough: that is no reason to leave work half done.
    fn write_to(mut out: impl Write, bytes: &[u8]) -> Result<(), OutputError> {
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError(error)),
            _ => Ok(()),
        }
    }

    /// Tells the user something in passing.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            self.complain(format_args!("{text}"));
        }
    }

    pub fn warn(&self, text: impl Display) {
        self.complain(format_args!("{WARNING}warning:{WARNING:#} {text}"));
    }

    pub fn error(&self, text: impl Display) {
        self.complain(format_args!("{ERROR}error:{ERROR:#} {text}"));
    }

    fn complain(&self, text: impl Display) {
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        // There is nowhere left to say that stderr is closed; the exit code still tells.
        let _ = writeln!(err, "{text}");
    }

    /// Asks a question that only a clear yes answers.
    pub fn confirm(&self, question: impl Display) -> io::Result<bool> {
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        let mut answer = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut answer)? == 0 {
            writeln!(err)?;
        }
        Ok(matches!(answer.trim_ascii().to_ascii_lowercase().as_slice(), b"y" | b"yes"))
    }

    /// Whether there is somebody who could answer a question.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether bars are to be drawn.
    pub fn draws_bars(&self) -> bool {
        self.progress && !self.quiet && io::stderr().is_terminal()
    }

    /// The columns of the terminal that data goes to, if it goes to one.
    pub fn width(&self) -> Option<usize> {
        let out = io::stdout();
        let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok())??;
        (size.ws_col > 0).then_some(size.ws_col.into())
    }
}
