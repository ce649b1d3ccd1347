//! The JSON document for a command that failed as a whole.

use serde::Serialize;

use super::failure::Failure;
use super::ui::json::lossy;
use crate::error::{Error, cause};

/// Printed in place of the command's own document.
#[derive(Serialize)]
pub struct Document {
    error: Account,
}

#[derive(Serialize)]
struct Account {
    /// The same as on stderr.
    message: String,
    /// The path of the failed operation; `null` if there is none.
    path: Option<String>,
    /// The system's error message; `null` if it is not a system error.
    cause: Option<String>,
    /// What to do, if the message comes with a hint.
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
                Some("run it again later, or without --no-wait".to_owned())
            }
            _ => None,
        };
        let account =
            Account { message: failure.to_string(), path: path.map(lossy), cause: source, hint };
        Self { error: account }
    }
}
