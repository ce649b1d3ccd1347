//! Files that are left out, and why.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use rustix::io::Errno;

use crate::error::cause;

/// Why a file does not share its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Its data is also used by something other than an image or layer, so deduplicating it frees
    /// nothing.
    HeldElsewhere,
    /// It is so small that the file system stores it in the metadata.
    Inline,
    /// It is not equal to any other file with the same path and size.
    Unequal,
    /// The file system cannot let these files share, for example if only one of them uses
    /// copy-on-write.
    Unlike,
    /// It is immutable, or belongs to another user.
    NotAllowed,
    /// A swap file or a running program, whose data the system keeps in place.
    InUse,
    /// It has changed since the plan was made, or is being written.
    Changed,
    /// It could not be opened or read.
    Unreadable,
    /// The file system had no room for the metadata.
    NoRoom,
    /// The file system refused for another reason.
    Failed,
}

impl Reason {
    /// The stable name of this reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeldElsewhere => "held-elsewhere",
            Self::Inline => "inline",
            Self::Unequal => "unequal",
            Self::Unlike => "unlike",
            Self::NotAllowed => "not-allowed",
            Self::InUse => "in-use",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
            Self::NoRoom => "no-room",
            Self::Failed => "failed",
        }
    }

    /// Whether this reason is an error.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::NoRoom | Self::Failed)
    }

    /// The reason for a file that could not be opened.
    pub(super) fn of_open(cause: Errno) -> Self {
        match cause {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV => Self::Changed,
            Errno::PERM => Self::NotAllowed,
            _ => Self::Unreadable,
        }
    }

    /// The reason for a file that the system refused to share.
    pub(super) fn of_sharing(cause: Errno) -> Self {
        match cause {
            Errno::INVAL | Errno::XDEV | Errno::OPNOTSUPP => Self::Unlike,
            Errno::PERM | Errno::ACCESS | Errno::ROFS => Self::NotAllowed,
            Errno::TXTBSY => Self::InUse,
            Errno::NOSPC | Errno::DQUOT => Self::NoRoom,
            _ => Self::Failed,
        }
    }
}

/// The maximum number of files listed per reason.
const NAMED: usize = 10;

/// The files that were left out for one reason.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Files {
    /// The number of files.
    pub count: u64,
    /// The first 10 of them, each with the error of the system, if there was one.
    pub first: Vec<(PathBuf, Option<Cause>)>,
}

/// An error of the system about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause(Errno);

/// For example, `Permission denied`.
impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&cause(&self.0.into()))
    }
}

/// The files that were left out, by reason. Its memory does not grow with their number.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(BTreeMap<Reason, Files>);

impl LeftOut {
    /// The reasons that occurred, each with its files.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, &Files)> {
        self.0.iter().map(|(reason, files)| (*reason, files))
    }

    /// Adds the files that were left out later.
    pub(super) fn extend(&mut self, later: Self) {
        for (reason, mut files) in later.0 {
            let known = self.0.entry(reason).or_default();
            known.count += files.count;
            files.first.truncate(NAMED - known.first.len());
            known.first.append(&mut files.first);
        }
    }

    pub(super) fn add(
        &mut self,
        reason: Reason,
        path: impl FnOnce() -> PathBuf,
        cause: Option<Errno>,
    ) {
        let files = self.0.entry(reason).or_default();
        files.count += 1;
        if files.first.len() < NAMED {
            files.first.push((path(), cause.map(Cause)));
        }
    }
}
