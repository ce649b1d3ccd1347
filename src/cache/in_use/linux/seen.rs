//! Findings about one process.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use procfs::ProcResult;

use super::process::is_gone;
use super::view::View;
use crate::cache::Location;
use crate::cache::in_use::role::Role;

pub struct Seen {
    pub entries: BTreeSet<Location>,
    /// Whether something could not be read.
    pub is_partial: bool,
    /// The role that it announces, if it is a run of this program.
    pub role: Option<Role>,
    own: Arc<View>,
    /// Its own view of the cache, if its mount namespace is not ours.
    other: Option<Arc<View>>,
}

impl Seen {
    /// No findings yet. Paths are interpreted in our mount namespace.
    pub fn new(own: Arc<View>) -> Self {
        Self { entries: BTreeSet::new(), is_partial: false, role: None, own, other: None }
    }

    pub fn note(&mut self, result: ProcResult<()>) {
        self.is_partial |= result.is_err_and(|cause| !is_gone(&cause));
    }

    /// From now on, paths are also interpreted in the mount namespace of a thread.
    pub fn look_through(&mut self, view: Option<Arc<View>>) {
        self.other = view;
    }

    /// Whether a line of a list of mappings may refer to an entry of the cache.
    pub fn may_mean(&self, line: &[u8]) -> bool {
        self.own.may_mean(line) || self.other.as_ref().is_some_and(|view| view.may_mean(line))
    }

    /// Adds the entry behind a path that the system reports for the process.
    pub fn link(&mut self, path: &[u8]) {
        self.entries.extend(self.own.entries(path));
        if let Some(view) = &self.other {
            self.entries.extend(view.entries(path));
        }
    }

    /// Adds the entry behind a path if the path could be read.
    pub fn try_link(&mut self, path: ProcResult<PathBuf>) {
        let result = path.map(|path| self.link(path.as_os_str().as_bytes()));
        self.note(result);
    }

    /// Adds the path of an open file.
    pub fn descriptor(&mut self, path: &[u8]) {
        self.role = self.role.or_else(|| Role::of_link(path));
        self.link(path);
    }
}
