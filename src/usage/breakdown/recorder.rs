//! What is kept of each directory while a tree is walked.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;

use super::dir_id::DirId;
use super::largest::{Largest, Named};
use super::parts::{Breakdown, Directory, LargeFile};
use crate::fs::Status;
use crate::usage::amounts::Usage;
use crate::usage::links::Link;

/// Keeps what is seen of one tree. Workers share it and change it once a directory.
pub struct Recorder {
    record: Mutex<TreeRecord>,
    largest: Largest,
}

struct TreeRecord {
    /// By their numbers.
    directories: Vec<DirRecord>,
    /// Names of inodes with several, which only the whole tree can count.
    linked: Vec<(Link, DirId)>,
}

/// One directory.
struct DirRecord {
    name: OsString,
    above: DirId,
    /// What is directly in it.
    usage: Usage,
}

impl Recorder {
    /// One that finds so many of the largest files, too.
    pub fn new(largest_files: usize) -> Self {
        let top = DirRecord { name: OsString::new(), above: DirId::TOP, usage: Usage::default() };
        let record = TreeRecord { directories: vec![top], linked: Vec::new() };
        Self { record: Mutex::new(record), largest: Largest::new(largest_files) }
    }

    /// The number of the directory `name` in `above`, which is new.
    pub fn enter(&self, above: DirId, name: &OsStr) -> DirId {
        let directory = DirRecord { name: name.to_owned(), above, usage: Usage::default() };
        let mut record = self.record();
        record.directories.push(directory);
        DirId(record.directories.len() - 1)
    }

    /// Adds what was seen directly in a directory. The bytes of `linked` are not in `usage`.
    pub fn add(&self, dir: DirId, usage: &Usage, linked: &[Link]) {
        let mut record = self.record();
        record.directories[dir.0].usage += *usage;
        record.linked.extend(linked.iter().map(|&link| (link, dir)));
    }

    /// Notes one name of a file, if that is one of the largest so far.
    pub fn note_file(&self, dir: DirId, name: &OsStr, status: &Status) {
        self.largest.note(dir, name, status, |one, other| {
            let record = self.record();
            record.path_of(one) < record.path_of(other)
        });
    }

    fn record(&self) -> MutexGuard<'_, TreeRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of it, once everything was seen.
    pub fn finish(self) -> Breakdown {
        let mut record = self.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        let files = self.largest.into_files().map(|(on_disk, named)| LargeFile {
            path: record.path_of(&named),
            apparent: ByteSize::b(named.apparent),
            on_disk: ByteSize::b(on_disk),
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by(|one, other| (other.on_disk, &one.path).cmp(&(one.on_disk, &other.path)));
        record.settle_links();
        record.add_up();
        Breakdown { directories: record.in_order(), files }
    }
}

impl TreeRecord {
    fn path_of(&self, file: &Named) -> PathBuf {
        let (mut names, mut dir) = (vec![&file.name], file.dir);
        while dir != DirId::TOP {
            let directory = &self.directories[dir.0];
            names.push(&directory.name);
            dir = directory.above;
        }
        names.into_iter().rev().collect()
    }

    /// Counts each inode with several names where all of these are.
    fn settle_links(&mut self) {
        let mut linked = std::mem::take(&mut self.linked);
        linked.sort_unstable_by_key(|(link, dir)| (link.inode(), *dir));
        for names in linked.chunk_by(|(one, _), (next, _)| one.inode() == next.inode()) {
            let ids = names.iter().map(|(_, dir)| *dir);
            let home = ids.reduce(|one, other| self.common(one, other)).unwrap_or_default();
            self.directories[home.0].usage += names[0].0.bytes();
        }
    }

    /// The lowest directory that both lie in, or that is one of them: of two numbers the greater one
    /// lies lower, or beside.
    fn common(&self, mut one: DirId, mut other: DirId) -> DirId {
        while one != other {
            if one > other {
                one = self.directories[one.0].above;
            } else {
                other = self.directories[other.0].above;
            }
        }
        one
    }

    /// Adds everything to what it lies in, from the bottom up.
    fn add_up(&mut self) {
        for place in (1..self.directories.len()).rev() {
            let DirRecord { above, usage, .. } = self.directories[place];
            self.directories[above.0].usage += usage;
        }
    }

    /// The directories in an order that does not depend on who saw which first.
    fn in_order(mut self) -> Vec<Directory> {
        let mut directories = Vec::<Directory>::with_capacity(self.directories.len());
        for (place, above) in self.order() {
            let DirRecord { name, usage, .. } = &mut self.directories[place];
            let name = std::mem::take(name);
            let depth = directories.get(above).map_or(0, |above| above.depth + 1);
            directories.push(Directory { name, above, depth, usage: *usage });
        }
        directories
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
