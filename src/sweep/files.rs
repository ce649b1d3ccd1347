//! Files of a directory that have been asked and are to be removed.
//!
//! What a removal has to know of a file is asked once: how big it is, how many names it has and, where
//! an account is kept, what it shares. Asking and removing are two steps, so that one thread can
//! ask while another removes.

use std::ffi::CStr;

use rustix::io::{Errno, Result};

use super::tree::{Ending, Tree};
use crate::fs::{Directory, Kind, NameList, Status};
use crate::usage::{Page, Usage};

/// How many files of one directory are asked before they are removed.
const MOST: usize = 256;

/// Some files of one directory.
#[derive(Debug, Default)]
pub struct Files {
    names: NameList,
    statuses: Vec<Status>,
}

/// What has come of a removal of files.
pub struct Removed {
    /// Whether any of them is still there.
    pub ending: Ending,
    /// Whether any has gone.
    pub any: bool,
}

impl Files {
    /// Asks a file and adds it, unless it is gone already.
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

    /// Whether they should be removed before more are asked.
    pub fn is_full(&self) -> bool {
        self.names.len() >= MOST
    }

    /// Removes them, and counts what that frees.
    pub fn remove(self, tree: &Tree<'_>, holder: &Directory) -> Removed {
        let (mut usage, mut ending) = (Usage::default(), Ending::Removed);
        for (name, status) in self.names.iter().zip(&self.statuses) {
            if tree.is_stopped() {
                ending = Ending::Kept;
                break;
            }
            match tree.remove_asked(holder, name, status, &mut usage) {
                // A directory has taken its place: it is found when the directory above is emptied again.
                Ok(()) | Err(Errno::ISDIR) => {}
                Err(cause) => ending = tree.miss("remove", holder, name, cause),
            }
        }
        tree.count(&usage);
        Removed { ending, any: usage.files > 0 }
    }
}
