//! Output: data to stdout, everything else to stderr.

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

/// The indentation of the continuation lines of a message.
const INDENT: usize = 2;
const SHOW_CURSOR: &str = "\x1b[?25h";

/// Data could not be written to stdout.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the result: {}", cause(.0))]
pub struct OutputError(io::Error);

/// The output streams, and the user's settings for them.
pub struct Console {
    pub color: ColorChoice,
    /// Whether progress bars are allowed. They are only drawn on a terminal.
    pub progress: bool,
    pub quiet: bool,
    pub verbose: bool,
    /// Whether to draw ASCII only.
    pub ascii: bool,
}

impl Console {
    /// A console with default settings except the colours, for use before the command line is
    /// parsed.
    pub fn plain(color: ColorChoice) -> Self {
        let ascii = !is_utf8(|name| std::env::var(name).ok());
        Self { color, progress: true, quiet: false, verbose: false, ascii }
    }

    /// Writes text, with colours if they are enabled.
    pub fn write(&self, text: impl AsRef<str>) -> Result<(), OutputError> {
        let text = self.drawn(text.as_ref());
        Self::write_to(AutoStream::new(output()?, self.color), text.as_bytes())
    }

    fn drawn<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.ascii { to_ascii(text).into() } else { text.into() }
    }

    /// Writes data unchanged.
    pub fn write_raw(&self, bytes: &[u8]) -> Result<(), OutputError> {
        Self::write_to(output()?, bytes)
    }

    /// Writes a line of data.
    pub fn line(&self, text: impl Display) -> Result<(), OutputError> {
        self.write(format!("{text}\n"))
    }

    /// It is no error if the reader is gone: it has read enough, and the work must not stop half
    /// done.
    fn write_to(mut out: impl Write, bytes: &[u8]) -> Result<(), OutputError> {
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError(error)),
            _ => Ok(()),
        }
    }

    /// Prints a note to stderr, unless `--quiet`.
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

    /// Reports that the program gives up in the middle of its work, below any progress bars.
    pub fn give_up(&self, text: impl Display) {
        if self.draws_bars() {
            let mut err = io::stderr();
            // If stderr is closed, there is nowhere left to report that.
            let _ = writeln!(err, "{SHOW_CURSOR}");
        }
        self.error(text);
    }

    fn complain(&self, text: impl Display) {
        let text = wrap(&text.to_string(), columns(io::stderr()), INDENT);
        self.write_error(&(text + "\n"));
    }

    /// Writes preformatted text to stderr, with colours if they are enabled.
    pub fn write_error(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        // If stderr is closed, there is nowhere left to report that; the exit code still tells.
        let _ = write!(err, "{}", self.drawn(text));
    }

    /// Asks a question. Only a clear yes counts.
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

    /// Whether a question can be asked: stdin and stderr must be terminals.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether to draw progress bars.
    pub fn draws_bars(&self) -> bool {
        self.progress
            && !self.quiet
            && io::stderr().is_terminal()
            && !forbids_bars(std::env::var_os)
    }

    /// The width of stdout in columns, if it is a terminal.
    pub fn width(&self) -> Option<usize> {
        columns(io::stdout())
    }
}

/// The width of a stream in columns, if it is a terminal.
fn columns(stream: impl AsFd + IsTerminal) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(&stream).ok())??;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Whether the environment rules out progress bars.
fn forbids_bars(variable: impl Fn(&'static str) -> Option<OsString>) -> bool {
    let is = |name, value: &str| variable(name).is_some_and(|found| found == value);
    is("BBOX_PROGRESS", "never") || is("CI", "true") || is("TERM", "dumb") || is("TERM", "")
}

/// Standard output, bypassing the standard library: that reports a write to a closed stream as
/// successful.
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
