//! The error type of the library.
//!
//! A bare I/O error only says "Permission denied". A reader wants to know what was tried, and on
//! which path. So [`Context::context`] adds the operation and the path where the error occurs.
//! Every message is one line that is safe to print.

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
        /// The cause reported by the system.
        source: io::Error,
    },
    /// Some references cannot be read, so it is unknown which images they point to.
    #[error("{first}; nothing was removed, because {} may point to any image; make {} readable first", which_refs(*count, *is_folder), pronoun(*count, *is_folder))]
    UnreadableRefs {
        /// The first error.
        first: Box<Error>,
        /// Number of unreadable references, at least 1.
        count: usize,
        /// Whether the folder that contains the references is unreadable, not a single reference.
        is_folder: bool,
    },
    /// No worker threads could be started.
    #[error("cannot start {}: {cause}; raise the limit on processes (even --jobs 1 needs one thread)", threads(*jobs))]
    Threads {
        /// Number of threads in the last attempt. Each attempt tries fewer, down to 1.
        jobs: usize,
        /// The cause reported by the thread pool.
        cause: String,
    },
    /// Another gc is running on this cache, and the caller did not want to wait.
    #[error("{holder} is running a gc on {}; nothing was changed", Escaped::new(path))]
    Busy {
        /// The cache directory.
        path: PathBuf,
        /// The process that runs it. Safe to print.
        holder: String,
    },
    /// The run was interrupted before it had changed anything.
    #[error("interrupted; nothing was changed")]
    Interrupted,
}

/// The result of a fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds an operation and a path to an I/O error.
pub(crate) trait Context<T> {
    /// `operation` is a verb phrase that fits after "cannot".
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

/// Number of errors kept for one tree: enough to see the pattern.
const KEPT: usize = 10;

/// The first few errors of one tree and their total number. Its memory does not grow with the tree.
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

    /// Total number of errors, including those that were not kept.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The system's error message without the "(os error N)" suffix.
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
        _ if is_folder => "a reference in it".to_owned(),
        1 => "this reference".to_owned(),
        2 => "this and 1 more reference".to_owned(),
        n => format!("this and {} more references", n - 1),
    }
}

fn pronoun(count: usize, is_folder: bool) -> &'static str {
    if count == 1 || is_folder { "it" } else { "them" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_operation_path_and_cause_on_one_line() {
        let error = Error::io("open", "/cache/two\nlines", rustix::io::Errno::ACCESS);
        assert_eq!(error.to_string(), "cannot open /cache/two\\nlines: Permission denied");
    }
}
