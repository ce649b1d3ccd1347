//! Which command a word may begin, or go on.

use std::ffi::OsStr;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};

use super::line::{self, DASHES};

/// To be added to a command that has to stand after `--`, with its arguments.
pub fn command() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| match line::has_dashes(line::typed()) {
        true => PathCompleter::any().complete(word),
        false => vec![CompletionCandidate::new(DASHES)],
    })
}
