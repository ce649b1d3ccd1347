//! What has been seen of one process.

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
    /// Whether there is something that could not be read.
    pub is_partial: bool,
    /// What it says it is, if it is a run of this program.
    pub role: Option<Role>,
    own: Arc<View>,
    /// Its own view of the cache, in a mount namespace other than ours.
    other: Option<Arc<View>>,
}

impl Seen {
    /// Nothing yet; paths are read as they are meant in our mount namespace.
    pub fn new(own: Arc<View>) -> Self {
        Self { entries: BTreeSet::new(), is_partial: false, role: None, own, other: None }
    }

    pub fn note(&mut self, result: ProcResult<()>) {
        self.is_partial |= result.is_err_and(|cause| !is_gone(&cause));
    }

    /// From now on, paths are also read as they are meant in the namespace of a thread.
    pub fn look_through(&mut self, view: Option<Arc<View>>) {
        self.other = view;
    }

    /// Whether a line of a list of mappings may name something of the cache.
    pub fn may_mean(&self, line: &[u8]) -> bool {
        self.own.may_mean(line) || self.other.as_ref().is_some_and(|view| view.may_mean(line))
    }

    /// A path that the system gives for something that the process has.
    pub fn link(&mut self, path: &[u8]) {
        self.entries.extend(self.own.entries(path));
        if let Some(view) = &self.other {
            self.entries.extend(view.entries(path));
        }
    }

    /// The same, if it can be read.
    pub fn try_link(&mut self, path: ProcResult<PathBuf>) {
        let result = path.map(|path| self.link(path.as_os_str().as_bytes()));
        self.note(result);
    }

    /// The path of an open file.
    pub fn descriptor(&mut self, path: &[u8]) {
        self.role = self.role.or_else(|| Role::of_link(path));
        self.link(path);
    }
}
