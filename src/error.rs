//! The one error type of the library.
//!
//! An I/O error alone says "Permission denied"; a reader wants to know what was tried, and
//! where. So every I/O error is given its operation and its path at the place where it happens,
//! by [`Context::context`], and its message is one line that is safe to print.

use std::io;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;

/// What went wrong.
///
/// ```
/// # use bbox_cache::Error;
/// # use bbox_cache::cache::Cache;
/// let error = Cache::open("/dev/null").expect_err("that is no directory");
/// assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("null")));
/// assert_eq!(error.to_string(), "cannot open the cache directory /dev/null: Not a directory");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed. Reads as "cannot open /path: Permission denied".
    #[error("cannot {operation} {}: {}", Escaped::new(path), cause(source))]
    Io {
        /// What was tried, as a verb: `open`, `read`, `remove`.
        operation: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// The cause, as the system told it.
        source: io::Error,
    },
    /// Some refs cannot be read, so it is unknown which images they keep.
    #[error("{first}; nothing was removed, because {} may name any image; make that readable first", which_refs(*count, *is_folder))]
    UnreadableRefs {
        /// The first of them.
        first: Box<Error>,
        /// How many there are, at least 1.
        count: usize,
        /// Whether it is not a single ref but the folder of all that cannot be read.
        is_folder: bool,
    },
    /// The threads for a job could not be started.
    #[error("cannot start {}: {cause}; --jobs 1 takes one, so raise the limit on processes", threads(*jobs))]
    Threads {
        /// How many were asked for last: fewer are tried, down to one.
        jobs: usize,
        /// The cause, as the thread pool told it.
        cause: String,
    },
    /// Another process collects the cache, and the caller did not want to wait.
    #[error("{holder} collects {}: nothing was changed", Escaped::new(path))]
    Busy {
        /// The cache directory.
        path: PathBuf,
        /// Which process that is, safe to print.
        holder: String,
    },
    /// A run was asked to stop before it had changed anything.
    #[error("interrupted: nothing was changed")]
    Interrupted,
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Gives an I/O error its operation and its path.
pub(crate) trait Context<T> {
    /// `operation` is a verb that fits after "cannot".
    fn context(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|source| Error::io(operation, path, source))
    }
}

impl Error {
    pub(crate) fn io(
        operation: &'static str,
        path: impl AsRef<Path>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::Io { operation, path: path.as_ref().to_path_buf(), source: source.into() }
    }
}

/// How many errors of a tree are kept: enough to see the pattern.
const KEPT: usize = 10;

/// The first few errors of one tree, and how many there were: no list that grows with the tree.
#[derive(Debug, Default)]
pub struct Problems {
    first: Vec<Error>,
    count: u64,
}

impl Problems {
    pub(crate) fn push(&mut self, error: Error) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(error);
        }
    }

    /// The errors that were kept, at most 10.
    pub fn first(&self) -> &[Error] {
        &self.first
    }

    pub(crate) fn into_first(self) -> Vec<Error> {
        self.first
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The system's words for an error, without the number that only a programmer looks up.
pub(crate) fn cause(error: &io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

pub(crate) fn without_number(text: &str) -> &str {
    text.rfind(" (os error ").map_or(text, |end| &text[..end])
}

fn threads(number: usize) -> String {
    if number == 1 { "a thread".to_owned() } else { format!("{number} threads") }
}

fn which_refs(count: usize, is_folder: bool) -> String {
    match count {
        _ if is_folder => "a ref in it".to_owned(),
        1 => "this ref".to_owned(),
        n => format!("this and {} more refs", n - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_operation_path_and_cause_on_one_line() {
        let error = Error::io("open", "/cache/two\nlines", rustix::io::Errno::ACCESS);
        assert_eq!(error.to_string(), "cannot open /cache/two\\nlines: Permission denied");
    }
}
