//! How a command ends.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::ui::console::OutputError;
use crate::error::{Error, cause};

/// The exit code for "another collection runs, and you did not want to wait": EX_TEMPFAIL of sysexits.h,
/// so that a timer can tell it from a failure.
const TRY_AGAIN: u8 = 75;

/// A command that ran to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Something could not be done, and was named.
    Incomplete,
    /// A signal came before everything was done.
    Interrupted,
    /// Another program was run, and has ended with this code.
    Passed(u8),
}

/// A command that could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Library(#[from] Error),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("cannot listen for signals: {}", cause(.0))]
    Signals(io::Error),
    /// There is no such image, for the reason given.
    #[error("{0}")]
    NoImage(String),
    /// The directory that the user has named is no cache, for the reason given.
    #[error("{reason}{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NoCache { path: PathBuf, reason: String, hint: Option<String> },
    /// What was asked for is not done, for the reason given.
    #[error("{0}")]
    Refused(String),
    /// Another program was to be run, and was not; the code tells why.
    #[error("{reason}")]
    NotRun { code: u8, reason: String },
}

/// Does not do what was asked for.
pub fn refuse<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(reason.into()))
}

/// The exit code of a command; `signal` is that of a program which the signal has ended.
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
