//! Files that are left out, and why.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use rustix::io::Errno;

use crate::error::cause;

/// Why a file does not come to share its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Something that is no image or layer holds its data, too, so sharing it otherwise frees nothing.
    HeldElsewhere,
    /// It is so small that the file system keeps it in the metadata.
    Inline,
    /// It is not equal to any other file of its path and size.
    Unequal,
    /// The file system cannot let it share with the others, such as one without copy-on-write with one that has it.
    Unlike,
    /// It is immutable, or belongs to another user.
    NotAllowed,
    /// A swap file or a running program, of which the system keeps its data where it is.
    InUse,
    /// It has changed since it was looked at, or is being written.
    Changed,
    /// It could not be opened or read.
    Unreadable,
    /// The file system had no room for the metadata.
    NoRoom,
    /// The file system refused for another reason.
    Failed,
}

impl Reason {
    /// Its stable name.
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

    /// Whether something has gone wrong.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::NoRoom | Self::Failed)
    }

    /// Of a file that could not be opened.
    pub(super) fn of_open(cause: Errno) -> Self {
        match cause {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV => Self::Changed,
            Errno::PERM => Self::NotAllowed,
            _ => Self::Unreadable,
        }
    }

    /// Of a file that the system would not let share.
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

/// How many files of a reason are named.
const NAMED: usize = 10;

/// The files that were left out for one reason.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Files {
    /// How many there are.
    pub count: u64,
    /// The first 10 of them, with what the system said, if it said something.
    pub first: Vec<(PathBuf, Option<Cause>)>,
}

/// What the system said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause(Errno);

/// Like `Permission denied`.
impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&cause(&self.0.into()))
    }
}

/// The files that were left out, by reason. Its size does not grow with their number.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(BTreeMap<Reason, Files>);

impl LeftOut {
    /// Each reason that there is, with its files.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, &Files)> {
        self.0.iter().map(|(reason, files)| (*reason, files))
    }

    /// Adds what was left out later.
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
