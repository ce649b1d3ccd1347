//! A command that failed as a whole, for programs.

use serde::Serialize;

use super::failure::Failure;
use super::ui::json::lossy;
use crate::error::{Error, cause};

/// What a command prints in place of its document.
#[derive(Serialize)]
pub struct Document {
    error: Account,
}

#[derive(Serialize)]
struct Account {
    /// As on stderr.
    message: String,
    /// What something was tried on; `null` if it is about no path.
    path: Option<String>,
    /// The system's words; `null` if the system had nothing to do with it.
    cause: Option<String>,
    /// The way out, if the message is followed by one.
    hint: Option<String>,
}

impl Document {
    pub fn new(failure: &Failure) -> Self {
        let (path, source) = match failure {
            Failure::Library(Error::Io { path, source, .. }) => (Some(path), Some(cause(source))),
            Failure::Library(Error::UnreadableRefs { first, .. }) => match &**first {
                Error::Io { path, source, .. } => (Some(path), Some(cause(source))),
                _ => (None, None),
            },
            Failure::Library(Error::Busy { path, .. }) => (Some(path), None),
            Failure::NoCache { path, .. } => (Some(path), None),
            _ => (None, None),
        };
        let hint = match failure {
            Failure::NoCache { hint, .. } => hint.clone(),
            Failure::Library(Error::Busy { .. }) => {
                Some("run it again once that has ended, or without --no-wait".to_owned())
            }
            _ => None,
        };
        let account =
            Account { message: failure.to_string(), path: path.map(lossy), cause: source, hint };
        Self { error: account }
    }
}
