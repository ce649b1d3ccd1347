//! One of the two trees, with quick access to the entries of each directory.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use crate::fs::{InodeId, Kind};
use crate::usage::breakdown::{Breakdown, Layout, Name};

pub struct Side<'b> {
    breakdown: &'b Breakdown,
    /// All directories but the top, sorted by parent.
    children: Vec<usize>,
    /// Inodes with several names that have been counted.
    counted: HashSet<InodeId>,
}

/// An entry of a directory, by its index among all directories or all names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    Directory(usize),
    File(usize),
}

impl<'b> Side<'b> {
    pub fn new(breakdown: &'b Breakdown) -> Self {
        let directories = &breakdown.directories;
        let mut children: Vec<_> = (1..directories.len()).collect();
        children.sort_unstable_by_key(|&child| directories[child].above());
        Self { breakdown, children, counted: HashSet::new() }
    }

    /// The entries of a directory, sorted by name.
    pub fn entries(&self, directory: usize) -> Vec<Entry> {
        let directories = &self.breakdown.directories;
        let above = |child: &usize| directories[*child].above();
        let children = equal_range(&self.children, directory, above);
        let names = equal_range(&self.breakdown.names, directory, |(above, _)| *above);
        let children = self.children[children].iter().map(|&child| Entry::Directory(child));
        let mut entries: Vec<_> = children.chain(names.map(Entry::File)).collect();
        entries.sort_unstable_by(|one, other| self.name(*one).cmp(self.name(*other)));
        entries
    }

    pub fn name(&self, entry: Entry) -> &'b OsStr {
        match entry {
            Entry::Directory(number) => self.breakdown.dir_name(number),
            Entry::File(number) => &self.file(number).name,
        }
    }

    pub fn kind(&self, entry: Entry) -> Kind {
        match entry {
            Entry::Directory(_) => Kind::Directory,
            Entry::File(number) => self.file(number).kind,
        }
    }

    pub fn mode(&self, entry: Entry) -> u32 {
        match entry {
            Entry::Directory(number) => self.breakdown.directories[number].mode,
            Entry::File(number) => self.file(number).mode,
        }
    }

    pub fn file(&self, number: usize) -> &'b Name {
        &self.breakdown.names[number].1
    }

    pub fn layout(&self, file: &Name) -> Option<&'b Layout> {
        self.breakdown.layouts.get(&file.inode)
    }

    /// Bytes that an entry itself occupies. 0 for an inode that another name has already counted.
    pub fn count(&mut self, entry: Entry) -> u64 {
        match entry {
            Entry::Directory(number) => self.breakdown.directories[number].own,
            Entry::File(number) => {
                let file = self.file(number);
                let is_first = !file.is_linked || self.counted.insert(file.inode);
                if is_first { file.on_disk } else { 0 }
            }
        }
    }

    /// A file's path in the tree.
    pub fn path(&self, file: usize) -> PathBuf {
        let (directory, name) = &self.breakdown.names[file];
        let (mut directory, mut names) = (*directory, vec![name.name.as_os_str()]);
        while directory != 0 {
            names.push(self.breakdown.dir_name(directory));
            directory = self.breakdown.directories[directory].above();
        }
        names.into_iter().rev().collect()
    }
}

/// The range of the items with this key in a sorted list.
fn equal_range<T>(sorted: &[T], key: usize, of: impl Fn(&T) -> usize) -> std::ops::Range<usize> {
    let start = sorted.partition_point(|item| of(item) < key);
    start..start + sorted[start..].partition_point(|item| of(item) == key)
}
