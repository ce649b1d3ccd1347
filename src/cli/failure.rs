//! How a command ends.

use std::io;
use std::process::ExitCode;

use super::ui::console::Console;
use crate::error::{Error, cause};

/// A command that ran to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Something could not be done, and was named.
    Incomplete,
    /// A signal came; the exit code that goes with it.
    Interrupted(u8),
}

impl Ending {
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Incomplete => ExitCode::FAILURE,
            Self::Interrupted(code) => ExitCode::from(code),
        }
    }
}

/// A command that could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Library(#[from] Error),
    /// The result could not be written.
    #[error("cannot write the result: {}", cause(.0))]
    Output(#[from] io::Error),
    /// What was asked for is not done, for the reason given.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    pub fn report(&self, console: &Console) -> ExitCode {
        match self {
            // Whoever reads has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            _ => console.error(self),
        }
        ExitCode::from(if matches!(self, Self::Refused(_)) { 2 } else { 1 })
    }
}
