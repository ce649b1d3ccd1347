//! Inodes with several names, on file systems that can share data.
//!
//! Each is inspected once, when the first of its names is met. Its data is freed with the last of
//! its names, so it counts for a tree only if the tree contains all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::record::Holder;
use crate::fs::{Holding, InodeId};

/// These inodes while trees are walked.
#[derive(Debug, Default)]
pub struct SharedInodes(Mutex<Inodes>);

/// The inspected inodes, numbered in the order in which they were met.
#[derive(Debug, Default)]
pub struct Inodes {
    numbers: HashMap<InodeId, usize>,
    inodes: Vec<Inode>,
}

/// One of these inodes.
#[derive(Debug)]
struct Inode {
    /// The only tree with all its names. Not known for sure until all trees have been walked.
    home: Option<usize>,
    holding: Holding,
}

impl SharedInodes {
    pub fn new(inodes: Inodes) -> Self {
        Self(Mutex::new(inodes))
    }

    /// The holder of an inode's data, for `tree` to record. `None` if the inode was already
    /// inspected.
    pub fn claim(&self, inode: InodeId, tree: usize) -> Option<Holder> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.inodes.len();
        if *known.numbers.entry(inode).or_insert(number) != number {
            return None;
        }
        known.inodes.push(Inode { home: Some(tree), holding: Holding::default() });
        Some(Holder::from_inode(number))
    }

    /// Records the holding of a claimed inode.
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

    /// Records that an inode has names in several trees, or outside of all.
    pub fn spread(&mut self, inode: InodeId) {
        if let Some(&number) = self.numbers.get(&inode) {
            self.inodes[number].home = None;
        }
    }

    /// The only tree with all names of an inode, if any.
    pub fn home(&self, number: usize) -> Option<usize> {
        self.inodes[number].home
    }

    /// The sum of the holdings of all inodes whose number is wanted.
    pub fn holding(&self, is_wanted: impl Fn(usize) -> bool) -> Holding {
        let mut sum = Holding::default();
        let wanted = self.inodes.iter().enumerate().filter(|(number, _)| is_wanted(*number));
        wanted.for_each(|(_, inode)| sum += inode.holding);
        sum
    }

    /// The holdings of inodes that are confined to one tree, with that tree.
    pub fn at_home(&self) -> impl Iterator<Item = (usize, Holding)> {
        self.inodes.iter().filter_map(|inode| Some((inode.home?, inode.holding)))
    }
}
