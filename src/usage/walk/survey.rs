//! Counting trees while something else walks them. A sweep asks for each file's status only once,
//! for itself and for the count.

use std::collections::HashMap;

use super::batch::Batch;
use super::tree::TreeWalk;
use crate::cache::Location;
use crate::fs::{DataFile, Status};

/// The trees to count. By default none.
#[derive(Default)]
pub(crate) struct Surveys<'a>(HashMap<&'a Location, &'a TreeWalk<'a>>);

/// The count of one tree.
#[derive(Clone, Copy)]
pub(crate) struct Survey<'a>(&'a TreeWalk<'a>);

/// Files that are not in the count of the tree yet. Dropping the page adds them.
pub(crate) struct Page<'a> {
    tree: &'a TreeWalk<'a>,
    batch: Batch,
}

impl<'a> Surveys<'a> {
    pub(in crate::usage) fn new(
        locations: impl Iterator<Item = &'a Location>,
        trees: &'a [TreeWalk<'a>],
    ) -> Self {
        Self(locations.zip(trees).collect())
    }

    /// The count of the tree at `location`, if wanted.
    pub fn of(&self, location: &Location) -> Option<Survey<'a>> {
        self.0.get(location).copied().map(Survey)
    }

    /// Whether no tree is counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Survey<'a> {
    /// An empty page, for one directory or part of it.
    pub fn page(self) -> Page<'a> {
        Page { tree: self.0, batch: Batch::default() }
    }
}

impl Page<'_> {
    /// Whether files should be opened to see what they share.
    pub fn reads_sharing(&self) -> bool {
        self.tree.reads_sharing()
    }

    /// Counts an open file. Each of its names must be counted with its full number of names.
    pub fn add_open(&mut self, file: DataFile, status: Status) {
        self.tree.count_open(&mut self.batch, file, status);
    }

    /// Counts anything that is neither open nor a directory.
    pub fn add_closed(&mut self, status: &Status) {
        self.tree.count_closed(&mut self.batch, status);
    }

    pub fn add_directory(&mut self, status: &Status) {
        self.tree.count(&mut self.batch, status);
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        self.tree.commit(std::mem::take(&mut self.batch));
    }
}
