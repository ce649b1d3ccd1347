//! Where the program writes: data to stdout, everything else to stderr.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anstream::{AutoStream, ColorChoice};
use rustix::io::Errno;

use super::charset::{is_utf8, to_ascii};
use super::text::wrap;
use super::theme::{ERROR, WARNING};
use crate::cli::inherited::is_output_closed;
use crate::error::cause;

/// How far the further lines of a message are indented.
const INDENT: usize = 2;
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
    /// Whether only ASCII is drawn.
    pub ascii: bool,
}

impl Console {
    /// One for before the command line is known, but for its colours.
    pub fn plain(color: ColorChoice) -> Self {
        let ascii = !is_utf8(|name| std::env::var(name).ok());
        Self { color, progress: true, quiet: false, verbose: false, ascii }
    }

    /// Writes text for people, with its colours if they are wanted.
    pub fn write(&self, text: impl AsRef<str>) -> Result<(), OutputError> {
        let text = self.drawn(text.as_ref());
        Self::write_to(AutoStream::new(output()?, self.color), text.as_bytes())
    }

    fn drawn<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.ascii { to_ascii(text).into() } else { text.into() }
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
        let text = wrap(&text.to_string(), columns(io::stderr()), INDENT);
        self.write_error(&(text + "\n"));
    }

    /// Writes text to stderr as it is laid out, with its colours if they are wanted.
    pub fn write_error(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        // There is nowhere left to say that stderr is closed; the exit code still tells.
        let _ = write!(err, "{}", self.drawn(text));
    }

    /// Asks a question that only a clear yes answers.
    pub fn confirm(&self, question: impl Display) -> io::Result<bool> {
        let question = wrap(&format!("{question} [y/N]"), columns(io::stderr()), INDENT);
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        write!(err, "{} ", self.drawn(&question))?;
        err.flush()?;
        let mut answer = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut answer)? == 0 {
            writeln!(err)?;
        }
        Ok(matches!(answer.trim_ascii().to_ascii_lowercase().as_slice(), b"y" | b"yes"))
    }

    /// Whether a question can be asked: on a terminal, in both directions.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether bars are to be drawn.
    pub fn draws_bars(&self) -> bool {
        self.progress
            && !self.quiet
            && io::stderr().is_terminal()
            && !forbids_bars(std::env::var_os)
    }

    /// The columns of the terminal that data goes to, if it goes to one.
    pub fn width(&self) -> Option<usize> {
        columns(io::stdout())
    }
}

/// The columns of the terminal that a stream goes to, if it goes to one.
fn columns(stream: impl AsFd + IsTerminal) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(&stream).ok())??;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Whether the environment says that bars cannot be drawn, or are not wanted.
fn forbids_bars(variable: impl Fn(&'static str) -> Option<OsString>) -> bool {
    let is = |name, value: &str| variable(name).is_some_and(|found| found == value);
    is("BBOX_PROGRESS", "never") || is("CI", "true") || is("TERM", "dumb") || is("TERM", "")
}

/// Standard output, without the standard library's: that takes a stream for written that nothing can be
/// written to.
fn output() -> Result<File, OutputError> {
    if is_output_closed() {
        return Err(OutputError(Errno::BADF.into()));
    }
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned().map_err(OutputError)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_can_forbid_bars() {
        for (variables, forbids) in [
            (&[][..], false),
            (&[("TERM", "xterm"), ("CI", "false")], false),
            (&[("TERM", "dumb")], true),
            (&[("TERM", "")], true),
            (&[("CI", "true")], true),
            (&[("BBOX_PROGRESS", "never")], true),
            (&[("BBOX_PROGRESS", "auto")], false),
        ] {
            let found = |name| {
                let mut found = variables.iter().filter(|(known, _)| *known == name);
                found.next().map(|(_, value)| OsString::from(value))
            };
            assert_eq!(forbids_bars(found), forbids, "{variables:?}");
        }
    }
}
