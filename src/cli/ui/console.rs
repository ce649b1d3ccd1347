//! Where the program writes: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anstream::{AutoStream, ColorChoice};
use rustix::io::Errno;

use super::theme::{ERROR, WARNING};
use crate::cli::inherited::is_output_closed;
use crate::error::cause;

const SHOW_CURSOR: &str = "\x1b[?25h";

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
    /// One for before the command line is known.
    pub fn plain() -> Self {
        Self { color: ColorChoice::Auto, progress: true, quiet: false, verbose: false }
    }

    /// Writes data, with its colours if they are wanted.
    pub fn write(&self, text: impl AsRef<[u8]>) -> Result<(), OutputError> {
        Self::write_to(AutoStream::new(output()?, self.color), text.as_ref())
    }

    /// Writes data byte for byte.
    pub fn write_raw(&self, bytes: &[u8]) -> Result<(), OutputError> {
        Self::write_to(output()?, bytes)
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

    /// Says that the program ends in the middle of something, below bars that may be drawn.
    pub fn give_up(&self, text: impl Display) {
        if self.draws_bars() {
            let mut err = io::stderr();
            // As below.
            let _ = writeln!(err, "{SHOW_CURSOR}");
        }
        self.error(text);
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

/// Standard output, without the standard library's: that takes a stream for written that nothing can be
/// written to.
fn output() -> Result<File, OutputError> {
    if is_output_closed() {
        return Err(OutputError(Errno::BADF.into()));
    }
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned().map_err(OutputError)?))
}
