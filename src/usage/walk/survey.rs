//! Trees that are counted while something else goes through them: a sweep asks each file once, for
//! itself and for the account.

use std::collections::HashMap;

use super::batch::Batch;
use super::tree::TreeWalk;
use crate::cache::Location;
use crate::fs::{DataFile, Status};

/// The accounts to be kept, by tree. By default, of none.
#[derive(Default)]
pub(crate) struct Surveys<'a>(HashMap<&'a Location, &'a TreeWalk<'a>>);

/// The account of one tree.
#[derive(Clone, Copy)]
pub(crate) struct Survey<'a>(&'a TreeWalk<'a>);

/// What has been asked and is not in the account yet. It gets there when this is dropped.
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

    /// The account of the tree at `location`, if one is to be kept.
    pub fn of(&self, location: &Location) -> Option<Survey<'a>> {
        self.0.get(location).copied().map(Survey)
    }

    /// Whether no account is to be kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Survey<'a> {
    /// An empty page, for one directory or less.
    pub fn page(self) -> Page<'a> {
        Page { tree: self.0, batch: Batch::default() }
    }
}

impl Page<'_> {
    /// Whether files should be opened, to see what they share.
    pub fn reads_sharing(&self) -> bool {
        self.tree.reads_sharing()
    }

    /// Counts a file that is open. Each name of it has to be counted with the number of all its names.
    pub fn add_open(&mut self, file: DataFile, status: Status) {
        self.tree.count_open(&mut self.batch, file, status);
    }

    /// Counts what is neither open nor a directory.
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
