//! Files of a directory that have been checked and are about to be removed.
//!
//! A file is checked once for everything that its removal needs: its size, its number of names and,
//! if shared data is accounted for, what it shares. Checking and removing are separate steps, so
//! that one thread can check while another removes.

use std::ffi::CStr;

use rustix::io::{Errno, Result};

use super::tree::{Ending, Tree};
use crate::fs::{Directory, Kind, NameList, Status};
use crate::usage::{Page, Usage};

/// The maximum number of files of a directory to check before removing them.
const MOST: usize = 256;

/// Some files of one directory.
#[derive(Debug, Default)]
pub struct Files {
    names: NameList,
    statuses: Vec<Status>,
}

/// The result of removing files.
pub struct Removed {
    /// [`Ending::Kept`] if any of them is still there.
    pub ending: Ending,
    /// Whether any of them was removed.
    pub any: bool,
}

impl Files {
    /// Checks a file and adds it, unless it is gone.
    ///
    /// # Errors
    /// `ISDIR` for a directory.
    pub fn ask(
        &mut self,
        tree: &Tree<'_>,
        holder: &Directory,
        name: &CStr,
        kind: Option<Kind>,
        page: Option<&mut Page<'_>>,
    ) -> Result<()> {
        match tree.ask(holder, name, kind, page) {
            Ok(status) if status.kind == Kind::Directory => Err(Errno::ISDIR),
            Ok(status) => {
                self.names.push(name);
                self.statuses.push(status);
                Ok(())
            }
            Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether to remove them before checking more.
    pub fn is_full(&self) -> bool {
        self.names.len() >= MOST
    }

    /// Removes them, and counts the bytes that this frees.
    pub fn remove(self, tree: &Tree<'_>, holder: &Directory) -> Removed {
        let (mut usage, mut ending) = (Usage::default(), Ending::Removed);
        for (name, status) in self.names.iter().zip(&self.statuses) {
            if tree.is_stopped() {
                ending = Ending::Kept;
                break;
            }
            match tree.remove_asked(holder, name, status, &mut usage) {
                // A directory has taken its place. It is found when the parent directory is emptied
                // again.
                Ok(()) | Err(Errno::ISDIR) => {}
                Err(cause) => ending = tree.miss("remove", holder, name, cause),
            }
        }
        tree.count(&usage);
        Removed { ending, any: usage.files > 0 }
    }
}
