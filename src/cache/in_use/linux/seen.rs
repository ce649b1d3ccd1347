//! What has been seen of one process.

use std::collections::BTreeSet;
use std::rc::Rc;

use procfs::ProcResult;

use super::is_gone;
use super::namespaces::View;
use crate::cache::Location;
use crate::cache::path_lookup::PathLookup;

#[derive(Default)]
pub struct Seen {
    pub entries: BTreeSet<Location>,
    /// Whether there is something that could not be read.
    pub is_partial: bool,
    /// Through which its own paths lead to the cache, unless they read as ours do.
    view: Option<Rc<View>>,
}

impl Seen {
    pub fn note(&mut self, result: ProcResult<()>) {
        self.is_partial |= result.is_err_and(|cause| !is_gone(&cause));
    }

    /// From now on, paths are also read as they are meant in the namespace of the process.
    pub fn look_through(&mut self, view: Rc<View>, places: &PathLookup) {
        for path in view.mounted() {
            self.entries.extend(places.of_link(&path));
        }
        self.view = Some(view);
    }

    /// Whether paths may lead to the cache that do not hold its path.
    pub fn is_elsewhere(&self) -> bool {
        self.view.is_some()
    }

    /// A path that the system gives for something that the process has.
    pub fn link(&mut self, path: &[u8], places: &PathLookup) {
        self.entries.extend(places.of_link(path));
        if let Some(ours) = self.view.as_ref().and_then(|view| view.translate(path)) {
            self.entries.extend(places.of_link(&ours));
        }
    }
}
