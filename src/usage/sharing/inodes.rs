//! Inodes with several names, on file systems that can share data.
//!
//! Each is looked into once, when the first of its names is met. What it holds goes with the
//! last of them, so it counts for a tree only if all its names are in there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::record::Holder;
use crate::fs::{Holding, InodeId};

/// Such inodes while trees are walked.
#[derive(Debug, Default)]
pub struct SharedInodes(Mutex<Inodes>);

/// The inodes that were looked into, numbered in the order in which they were met.
#[derive(Debug, Default)]
pub struct Inodes {
    numbers: HashMap<InodeId, usize>,
    inodes: Vec<Inode>,
}

/// One of them.
#[derive(Debug)]
struct Inode {
    /// The one tree that has all its names; unknown until all trees have been walked.
    home: Option<usize>,
    holding: Holding,
}

impl SharedInodes {
    pub fn new(inodes: Inodes) -> Self {
        Self(Mutex::new(inodes))
    }

    /// Who holds what is in an inode that `tree` has met, if it was not looked into yet.
    pub fn claim(&self, inode: InodeId, tree: usize) -> Option<Holder> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.inodes.len();
        if *known.numbers.entry(inode).or_insert(number) != number {
            return None;
        }
        known.inodes.push(Inode { home: Some(tree), holding: Holding::default() });
        Some(Holder::from_inode(number))
    }

    /// Notes what has been found in an inode that was claimed.
    pub fn note(&self, number: usize, holding: Holding) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).inodes[number].holding = holding;
    }

    pub fn into_inner(self) -> Inodes {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inodes {
    pub fn number(&self, inode: InodeId) -> Option<usize> {
        self.numbers.get(&inode).copied()
    }

    /// Notes that an inode has names in several trees, or outside of all.
    pub fn spread(&mut self, inode: InodeId) {
        if let Some(&number) = self.numbers.get(&inode) {
            self.inodes[number].home = None;
        }
    }

    /// The tree that has all the names of an inode, if one has.
    pub fn home(&self, number: usize) -> Option<usize> {
        self.inodes[number].home
    }

    /// What the inodes hold that have these numbers' property.
    pub fn holding(&self, is_wanted: impl Fn(usize) -> bool) -> Holding {
        let mut sum = Holding::default();
        let wanted = self.inodes.iter().enumerate().filter(|(number, _)| is_wanted(*number));
        wanted.for_each(|(_, inode)| sum += inode.holding);
        sum
    }

    /// What each inode holds that lies in one tree, with that tree.
    pub fn at_home(&self) -> impl Iterator<Item = (usize, Holding)> {
        self.inodes.iter().filter_map(|inode| Some((inode.home?, inode.holding)))
    }
}
