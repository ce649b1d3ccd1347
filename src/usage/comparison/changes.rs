//! The comparison of two trees.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use super::align::{Sides, align};
use super::delta::{Delta, difference};
use super::found::{Alteration, Altered, ChangedDirectory, ChangedFile, Unproven};
use super::moves;
use super::node::{FileChange, Node, Place};
use super::side::{Entry, Side};
use crate::fs::Kind;
use crate::usage::breakdown::{Breakdown, Name};

/// The differences between two trees whose [names](crate::usage::Meter::with_names) were kept.
///
/// Bytes are on disk, counted like `du`: an inode counts once in each tree, by the first of its
/// names. Unreadable parts of a tree are treated as missing.
pub struct Comparison<'b> {
    sides: [Side<'b>; 2],
    /// Every directory follows its parent. The top is first.
    directories: Vec<Node<'b>>,
    /// Files that only one tree has, and files of a different size.
    files: Vec<FileChange>,
    moved: Vec<(usize, usize)>,
    altered: Vec<(Place<'b>, Alteration)>,
    proven: u64,
    /// Files of equal size, by index.
    unproven: Vec<(usize, usize)>,
}

impl<'b> Comparison<'b> {
    /// Compares two trees.
    pub fn new(old: &'b Breakdown, new: &'b Breakdown) -> Self {
        let top = Node {
            above: 0,
            depth: 0,
            names: Sides::Both(OsStr::new(""), OsStr::new("")),
            delta: Delta::default(),
        };
        let mut comparison = Self {
            sides: [Side::new(old), Side::new(new)],
            directories: vec![top],
            files: Vec::new(),
            moved: Vec::new(),
            altered: Vec::new(),
            proven: 0,
            unproven: Vec::new(),
        };
        let mut waiting = vec![(0, Sides::Both(0, 0))];
        while let Some((node, directories)) = waiting.pop() {
            comparison.compare_directories(node, directories, &mut waiting);
        }
        comparison.settle_moves();
        comparison.add_up();
        comparison
    }

    fn compare_directories(
        &mut self,
        node: usize,
        directories: Sides<usize>,
        waiting: &mut Vec<(usize, Sides<usize>)>,
    ) {
        let entries = match directories {
            Sides::Both(old, new) => {
                self.compare_one(node, None, Entry::Directory(old), Entry::Directory(new));
                let [old, new] = [self.sides[0].entries(old), self.sides[1].entries(new)];
                align((&self.sides[0], &old), (&self.sides[1], &new))
            }
            Sides::Old(old) => {
                self.directories[node].delta +=
                    Delta::went(self.sides[0].count(Entry::Directory(old)));
                self.sides[0].entries(old).into_iter().map(Sides::Old).collect()
            }
            Sides::New(new) => {
                self.directories[node].delta +=
                    Delta::came(self.sides[1].count(Entry::Directory(new)));
                self.sides[1].entries(new).into_iter().map(Sides::New).collect()
            }
        };
        for entry in entries {
            match entry {
                Sides::Both(old, new) if self.sides[0].kind(old) != self.sides[1].kind(new) => {
                    let kinds = [self.sides[0].kind(old), self.sides[1].kind(new)].map(kind_name);
                    let place = Place { directory: node, name: Some(self.sides[1].name(new)) };
                    self.altered.push((place, Alteration::Kind(kinds[0], kinds[1])));
                    self.meet(node, Sides::Old(old), waiting);
                    self.meet(node, Sides::New(new), waiting);
                }
                entry => self.meet(node, entry, waiting),
            }
        }
    }

    /// Compares an entry if it is a file. Directories are queued.
    fn meet(
        &mut self,
        directory: usize,
        entry: Sides<Entry>,
        waiting: &mut Vec<(usize, Sides<usize>)>,
    ) {
        let [old, new] = &mut self.sides;
        let (directories, names) = match entry {
            Sides::Both(Entry::Directory(one), Entry::Directory(other)) => {
                let names = [old.name(Entry::Directory(one)), new.name(Entry::Directory(other))];
                (Sides::Both(one, other), Sides::Both(names[0], names[1]))
            }
            Sides::Old(Entry::Directory(one)) => {
                (Sides::Old(one), Sides::Old(old.name(Entry::Directory(one))))
            }
            Sides::New(Entry::Directory(other)) => {
                (Sides::New(other), Sides::New(new.name(Entry::Directory(other))))
            }
            Sides::Old(Entry::File(one)) => {
                let delta = Delta::went(old.count(Entry::File(one)));
                return self.note(FileChange { directory, files: Sides::Old(one), delta });
            }
            Sides::New(Entry::File(other)) => {
                let delta = Delta::came(new.count(Entry::File(other)));
                return self.note(FileChange { directory, files: Sides::New(other), delta });
            }
            Sides::Both(one, other) => return self.compare_files(directory, one, other),
        };
        let depth = self.directories[directory].depth + 1;
        let node = Node { above: directory, depth, names, delta: Delta::default() };
        waiting.push((self.directories.len(), directories));
        self.directories.push(node);
    }

    fn note(&mut self, change: FileChange) {
        self.directories[change.directory].delta += change.delta;
        self.files.push(change);
    }

    /// Compares two entries of the same type by size and mode.
    fn compare_one(
        &mut self,
        node: usize,
        name: Option<&'b OsStr>,
        old: Entry,
        new: Entry,
    ) -> Delta {
        let [old_side, new_side] = &mut self.sides;
        let modes = (old_side.mode(old), new_side.mode(new));
        // The mode of a symlink differs between systems and has no effect.
        if modes.0 != modes.1 && old_side.kind(old) != Kind::Symlink {
            let place = Place { directory: node, name };
            self.altered.push((place, Alteration::Mode(modes.0, modes.1)));
        }
        let delta = Delta::grew(old_side.count(old), new_side.count(new));
        self.directories[node].delta += delta;
        delta
    }

    fn compare_files(&mut self, directory: usize, old: Entry, new: Entry) {
        let name = self.sides[1].name(new);
        let delta = self.compare_one(directory, Some(name), old, new);
        let (Entry::File(old), Entry::File(new)) = (old, new) else { return };
        let (one, other) = (self.sides[0].file(old), self.sides[1].file(new));
        if one.kind == Kind::Symlink && one.target != other.target {
            let targets = Alteration::Target(one.target.clone(), other.target.clone());
            self.altered.push((Place { directory, name: Some(name) }, targets));
        }
        if one.kind == Kind::File && one.size == other.size && one.size > 0 {
            self.compare_contents(old, new);
        }
        if one.size != other.size || delta != Delta::default() {
            self.files.push(FileChange { directory, files: Sides::Both(old, new), delta });
        }
    }

    /// Compares two files of equal size as far as possible without reading them.
    fn compare_contents(&mut self, old: usize, new: usize) {
        if self.are_proven_equal(self.sides[0].file(old), self.sides[1].file(new)) {
            self.proven += 1;
        } else {
            self.unproven.push((old, new));
        }
    }

    fn are_proven_equal(&self, old: &Name, new: &Name) -> bool {
        let [old_side, new_side] = &self.sides;
        let share = || {
            let layout = old_side.layout(old);
            old.inode.device == new.inode.device
                && layout.is_some()
                && layout == new_side.layout(new)
        };
        old.inode == new.inode || share()
    }

    /// A moved file counts as neither added nor removed. Its content is compared like that of any
    /// two files of equal size.
    fn settle_moves(&mut self) {
        self.moved = moves::find(&self.files, &self.sides);
        for (old, new) in self.moved.clone() {
            let (went, came) = (self.files[old].delta, self.files[new].delta);
            let directories = [&self.files[old], &self.files[new]].map(|file| file.directory);
            for (directory, delta, moved) in [
                (directories[0], went, difference(0, went.went)),
                (directories[1], came, difference(came.came, 0)),
            ] {
                self.directories[directory].delta -= delta;
                self.directories[directory].delta += Delta { moved, ..Delta::default() };
            }
            if let (Sides::Old(old), Sides::New(new)) =
                (self.files[old].files, self.files[new].files)
            {
                self.compare_contents(old, new);
            }
        }
    }

    fn add_up(&mut self) {
        for number in (1..self.directories.len()).rev() {
            let Node { above, delta, .. } = self.directories[number];
            self.directories[above].delta += delta;
        }
    }

    /// The sum of all changes.
    pub fn whole(&self) -> Delta {
        self.directories[0].delta
    }

    /// The `count` directories with the largest changes, largest first, among those up to `depth`
    /// levels below the top with at least `least` changed bytes. Excludes the top, directories
    /// inside an added or removed directory, and directories with at least nine tenths of their
    /// change in a single subdirectory.
    pub fn directories(&self, count: usize, depth: usize, least: u64) -> Vec<ChangedDirectory> {
        let is_one_sided = |node: &Node<'_>| !matches!(node.names, Sides::Both(..));
        let is_shown = |node: &Node<'_>| {
            let goes_along = is_one_sided(node) && is_one_sided(&self.directories[node.above]);
            let is_large = node.delta.extent() >= least.max(1);
            (1..=depth).contains(&node.depth) && is_large && !goes_along
        };
        let mut told_below = HashSet::new();
        for node in self.directories.iter().filter(|node| is_shown(node)) {
            let above = self.directories[node.above].delta.extent();
            if node.delta.extent() >= above - above / 10 {
                told_below.insert(node.above);
            }
        }
        let chosen = self.directories.iter().enumerate();
        let chosen = chosen.filter(|(number, node)| is_shown(node) && !told_below.contains(number));
        let mut chosen: Vec<_> =
            chosen.map(|(number, node)| (Reverse(node.delta.extent()), number)).collect();
        chosen.sort_unstable();
        chosen.truncate(count);
        let changed = |number: usize| {
            let Node { depth, names, delta, .. } = self.directories[number];
            ChangedDirectory { path: self.path(number), old_name: names.old_name(), depth, delta }
        };
        chosen.into_iter().map(|(_, number)| changed(number)).collect()
    }

    /// The `count` files with the largest changes, largest first, among those with at least `least`
    /// changed bytes. Excludes moved files.
    pub fn files(&self, count: usize, least: u64) -> Vec<ChangedFile> {
        let moved: HashSet<_> = self.moved.iter().flat_map(|&(old, new)| [old, new]).collect();
        let chosen = (0..self.files.len()).filter(|place| !moved.contains(place));
        let mut chosen: Vec<_> = chosen
            .map(|place| (Reverse(self.files[place].delta.extent()), place))
            .filter(|(Reverse(extent), _)| *extent >= least)
            .collect();
        chosen.sort_unstable();
        chosen.truncate(count);
        chosen.into_iter().map(|(_, place)| self.changed_file(&self.files[place])).collect()
    }

    fn changed_file(&self, change: &FileChange) -> ChangedFile {
        let [old_side, new_side] = &self.sides;
        let old = |file| old_side.name(Entry::File(file));
        let new = |file| new_side.name(Entry::File(file));
        let names = match change.files {
            Sides::Old(file) => Sides::Old(old(file)),
            Sides::New(file) => Sides::New(new(file)),
            Sides::Both(one, other) => Sides::Both(old(one), new(other)),
        };
        let path = self.path(change.directory).join(names.current());
        ChangedFile { path, old_name: names.old_name(), delta: change.delta }
    }

    /// Number of moved files, and the bytes that they occupy now.
    pub fn moved(&self) -> (u64, u64) {
        let bytes = self.moved.iter().map(|&(_, new)| self.files[new].delta.came).sum();
        (self.moved.len() as u64, bytes)
    }

    /// Number of entries with a different type, mode or target.
    pub fn altered_count(&self) -> usize {
        self.altered.len()
    }

    /// Up to `count` of these entries, sorted by path.
    pub fn altered(&self, count: usize) -> Vec<Altered> {
        let altered = self.altered.iter().take(count).map(|(place, alteration)| {
            let mut path = self.path(place.directory);
            path.extend(place.name);
            Altered { path, alteration: alteration.clone() }
        });
        let mut altered: Vec<_> = altered.collect();
        altered.sort_by(|one, other| one.path.cmp(&other.path));
        altered
    }

    /// Number of files proven to have the same content in both trees: the same inode or
    /// shared data. Empty files are not counted.
    pub fn proven(&self) -> u64 {
        self.proven
    }

    /// Number of files that are only known to have equal size.
    pub fn unproven(&self) -> u64 {
        self.unproven.len() as u64
    }

    /// One of these pairs, by its index below [`Comparison::unproven`].
    pub(super) fn unproven_pair(&self, number: usize) -> Unproven {
        let (old, new) = self.unproven[number];
        Unproven { old: self.sides[0].path(old), new: self.sides[1].path(new) }
    }

    fn path(&self, mut number: usize) -> PathBuf {
        let mut names = Vec::new();
        while number != 0 {
            names.push(self.directories[number].names.current());
            number = self.directories[number].above;
        }
        names.into_iter().rev().collect()
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::Symlink => "symlink",
        Kind::Special => "special file",
    }
}
