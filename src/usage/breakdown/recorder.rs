//! What is kept of each directory while a tree is walked.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;

use super::ancestry::Ancestry;
use super::largest::{Largest, Named};
use super::{Breakdown, Directory, LargeFile};
use crate::fs::Status;
use crate::usage::Usage;
use crate::usage::links::Link;

/// The number of a directory in its tree. What it lies in has a smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch(usize);

impl Branch {
    /// The top, or the whole tree if it is a single file.
    pub const TOP: Self = Self(0);
}

/// Keeps what is seen of one tree. Workers share it and change it once a directory.
pub struct Recorder {
    seen: Mutex<Seen>,
    largest: Largest,
}

struct Seen {
    /// By their numbers.
    directories: Vec<Known>,
    /// Names of inodes with several, which only the whole tree can count.
    linked: Vec<(Link, Branch)>,
}

/// One directory.
struct Known {
    name: OsString,
    above: Branch,
    /// What is directly in it.
    usage: Usage,
}

impl Recorder {
    /// One that finds so many of the largest files, too.
    pub fn new(largest_files: usize) -> Self {
        let top = Known { name: OsString::new(), above: Branch::TOP, usage: Usage::default() };
        let seen = Seen { directories: vec![top], linked: Vec::new() };
        Self { seen: Mutex::new(seen), largest: Largest::new(largest_files) }
    }

    /// The number of the directory `name` in `above`, which is new.
    pub fn enter(&self, above: Branch, name: &OsStr) -> Branch {
        let known = Known { name: name.to_owned(), above, usage: Usage::default() };
        let mut seen = self.seen();
        seen.directories.push(known);
        Branch(seen.directories.len() - 1)
    }

    /// Adds what was seen directly in a directory. The bytes of `linked` are not in `usage`.
    pub fn add(&self, branch: Branch, usage: &Usage, linked: &[Link]) {
        let mut seen = self.seen();
        seen.directories[branch.0].usage += *usage;
        seen.linked.extend(linked.iter().map(|&link| (link, branch)));
    }

    /// Notes one name of a file, if that is one of the largest so far.
    pub fn note_file(&self, branch: Branch, name: &OsStr, status: &Status) {
        self.largest.note(branch, name, status, |one, other| {
            let seen = self.seen();
            seen.path_of(one) < seen.path_of(other)
        });
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of it, once everything was seen.
    pub fn finish(self) -> Breakdown {
        let mut seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let files = self.largest.into_files().map(|(on_disk, named)| LargeFile {
            path: seen.path_of(&named),
            apparent: ByteSize::b(named.apparent),
            on_disk: ByteSize::b(on_disk),
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by(|one, other| (other.on_disk, &one.path).cmp(&(one.on_disk, &other.path)));
        let ancestry = Ancestry::new(seen.directories.iter().map(|known| known.above.0));
        seen.settle_links(&ancestry);
        seen.add_up();
        Breakdown { directories: seen.in_order(&ancestry), files }
    }
}

impl Seen {
    fn path_of(&self, file: &Named) -> PathBuf {
        let (mut names, mut branch) = (vec![&file.name], file.branch);
        while branch != Branch::TOP {
            let known = &self.directories[branch.0];
            names.push(&known.name);
            branch = known.above;
        }
        names.into_iter().rev().collect()
    }

    /// Counts each inode with several names where all of these are.
    fn settle_links(&mut self, ancestry: &Ancestry) {
        let mut linked = std::mem::take(&mut self.linked);
        linked.sort_unstable_by_key(|(link, branch)| (link.inode(), *branch));
        for names in linked.chunk_by(|(one, _), (next, _)| one.inode() == next.inode()) {
            let branches = names.iter().map(|(_, branch)| branch.0);
            let home = branches.reduce(|one, other| ancestry.common(one, other));
            let home = home.unwrap_or_default();
            self.directories[home].usage += names[0].0.bytes();
        }
    }

    /// Adds everything to what it lies in, from the bottom up.
    fn add_up(&mut self) {
        for place in (1..self.directories.len()).rev() {
            let Known { above, usage, .. } = self.directories[place];
            self.directories[above.0].usage += usage;
        }
    }

    /// The directories in an order that does not depend on who saw which first.
    fn in_order(mut self, ancestry: &Ancestry) -> Vec<Directory> {
        let order = self.order();
        let directory = |(place, above): (usize, usize)| {
            let Known { name, usage, .. } = &mut self.directories[place];
            let name = std::mem::take(name);
            Directory { name, above, depth: ancestry.depth(place), usage: *usage }
        };
        order.into_iter().map(directory).collect()
    }

    /// Their numbers in that order, with the places in it of what they lie in.
    fn order(&self) -> Vec<(usize, usize)> {
        let children = self.by_above();
        let first =
            |place| children.partition_point(|child| self.directories[*child].above.0 < place);
        let mut order = Vec::with_capacity(self.directories.len());
        // The next one is the last.
        let mut waiting = vec![(0, 0)];
        while let Some((place, above)) = waiting.pop() {
            let here = order.len();
            order.push((place, above));
            let children = &children[first(place)..first(place + 1)];
            waiting.extend(children.iter().map(|&child| (child, here)));
        }
        order
    }

    /// All but the top, by what they lie in; in there, the largest last.
    fn by_above(&self) -> Vec<usize> {
        let mut places: Vec<_> = (1..self.directories.len()).collect();
        places.sort_unstable_by(|&one, &other| {
            let (one, other) = (&self.directories[one], &self.directories[other]);
            let sizes = (one.above, one.usage.on_disk).cmp(&(other.above, other.usage.on_disk));
            sizes.then_with(|| other.name.cmp(&one.name))
        });
        places
    }
}
