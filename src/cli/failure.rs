//! How a command ends.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::ui::console::OutputError;
use crate::error::{Error, cause};

/// The exit code if another gc is running and `--no-wait` was given: EX_TEMPFAIL from sysexits.h,
/// so that a timer can tell it from a failure.
const TRY_AGAIN: u8 = 75;

/// How a command ended, if it could do its work at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Something could not be done, and was reported.
    Incomplete,
    /// A signal arrived before everything was done.
    Interrupted,
    /// Another program was run and ended with this code.
    Passed(u8),
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Library(#[from] Error),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("cannot listen for signals: {}", cause(.0))]
    Signals(io::Error),
    /// No such image, for this reason.
    #[error("{0}")]
    NoImage(String),
    /// The directory chosen by the user is not a cache, for this reason.
    #[error("{reason}{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NoCache { path: PathBuf, reason: String, hint: Option<String> },
    /// The request is refused, for this reason.
    #[error("{0}")]
    Refused(String),
    /// Another program could not be run; the code tells why.
    #[error("{reason}")]
    NotRun { code: u8, reason: String },
}

/// Refuses a request.
pub fn refuse<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(reason.into()))
}

/// The exit code of a command; `signal` is the code for a program ended by that signal.
pub fn exit_code(result: &Result<Ending, Failure>, signal: u8) -> ExitCode {
    ExitCode::from(match result {
        Ok(Ending::Done) => 0,
        Ok(Ending::Passed(code)) | Err(Failure::NotRun { code, .. }) => *code,
        Ok(Ending::Interrupted) | Err(Failure::Library(Error::Interrupted)) => signal,
        Err(Failure::Library(Error::Busy { .. })) => TRY_AGAIN,
        Ok(Ending::Incomplete) | Err(Failure::Library(_) | Failure::Output(_)) => 1,
        Err(Failure::Signals(_) | Failure::NoImage(_) | Failure::NoCache { .. }) => 1,
        Err(Failure::Refused(_)) => 2,
    })
}
