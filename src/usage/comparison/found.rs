//! The differences that a comparison reports.

use std::ffi::OsString;
use std::path::PathBuf;

use super::delta::Delta;

/// A directory with a change in it or below it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedDirectory {
    /// Its path in the new tree, or in the old tree if the new one does not have it. Empty for the
    /// top.
    pub path: PathBuf,
    /// Its name in the old tree, if different.
    pub old_name: Option<OsString>,
    /// Levels below the top.
    pub depth: usize,
    /// The sum of all changes in it and below it.
    pub delta: Delta,
}

/// A file that was added or removed, or has a different size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedFile {
    /// Its path in the new tree, or in the old tree if the new one does not have it.
    pub path: PathBuf,
    /// Its name in the old tree, if different.
    pub old_name: Option<OsString>,
    /// Its change in bytes.
    pub delta: Delta,
}

/// An entry that both trees have under one name, with different attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Altered {
    /// Its path in the new tree. Empty for the top.
    pub path: PathBuf,
    /// The difference.
    pub alteration: Alteration,
}

/// A difference between attributes, old and new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// The type: `file`, `directory`, `symlink`, `special file`.
    Kind(&'static str, &'static str),
    /// The permission bits.
    Mode(u32, u32),
    /// The target of a symlink. `None` if it could not be read.
    Target(Option<OsString>, Option<OsString>),
}

/// The paths of two files of equal size whose contents have not been compared.
pub(super) struct Unproven {
    pub old: PathBuf,
    pub new: PathBuf,
}
