//! What is kept of each directory while a tree is walked.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;

use super::dir_id::DirId;
use super::largest::{Largest, Named};
use super::name::{Layout, Name};
use super::parts::{Breakdown, Directory, LargeFile};
use crate::fs::{InodeId, Status};
use crate::usage::amounts::Usage;
use crate::usage::links::Link;

/// Keeps what is seen of one tree. Workers share it and change it once a directory.
pub struct Recorder {
    record: Mutex<TreeRecord>,
    largest: Largest,
    keeps_names: bool,
}

struct TreeRecord {
    /// Keyed by their numbers.
    directories: Vec<DirRecord>,
    /// Names of inodes with several, which only the whole tree can count.
    linked: Vec<(Link, DirId)>,
    names: Vec<(DirId, Name)>,
    layouts: HashMap<InodeId, Layout>,
}

/// One directory.
struct DirRecord {
    name: OsString,
    above: DirId,
    /// An ancestor that may be many levels up.
    far_above: DirId,
    /// Levels below the top.
    depth: usize,
    mode: u32,
    /// Bytes that the directory itself occupies.
    own: u64,
    /// What is directly in it.
    usage: Usage,
}

impl Recorder {
    /// One that finds so many of the largest files, too.
    pub fn new(largest_files: usize) -> Self {
        let (record, largest) = (Mutex::new(TreeRecord::new()), Largest::new(largest_files));
        Self { record, largest, keeps_names: false }
    }

    /// Keeps every name, too.
    pub fn keeping_names(self, keeps_names: bool) -> Self {
        Self { keeps_names, ..self }
    }

    pub fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    /// The number of the directory `name` in `above`, which is new.
    pub fn enter(&self, above: DirId, name: &OsStr, status: &Status) -> DirId {
        let mut record = self.record();
        let dir = record.enter(above, name);
        record.describe(dir, status);
        dir
    }

    /// The number of the top.
    pub fn enter_top(&self, status: &Status) -> DirId {
        self.record().describe(DirId::TOP, status);
        DirId::TOP
    }

    /// Keeps names in a directory, and where the data of files lies.
    pub fn keep(&self, dir: DirId, names: &mut Vec<Name>, layouts: &mut Vec<(InodeId, Layout)>) {
        if names.is_empty() && layouts.is_empty() {
            return;
        }
        let mut record = self.record();
        record.names.extend(names.drain(..).map(|name| (dir, name)));
        record.layouts.extend(layouts.drain(..));
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
        record.into_breakdown(files)
    }
}

impl TreeRecord {
    fn new() -> Self {
        let top = DirRecord {
            name: OsString::new(),
            above: DirId::TOP,
            far_above: DirId::TOP,
            depth: 0,
            mode: 0,
            own: 0,
            usage: Usage::default(),
        };
        let (names, layouts) = (Vec::new(), HashMap::new());
        Self { directories: vec![top], linked: Vec::new(), names, layouts }
    }

    fn describe(&mut self, dir: DirId, status: &Status) {
        let directory = &mut self.directories[dir.0];
        (directory.mode, directory.own) = (status.mode, status.on_disk());
    }

    /// A tree may be as deep as it has directories, and each of those may have a file with names all over the tree.
    /// So each directory knows an ancestor far above it, as far as the binary digits of its depth allow (a skew-binary
    /// list, by Myers), and the way to any ancestor grows with the logarithm of the depth.
    fn enter(&mut self, above: DirId, name: &OsStr) -> DirId {
        let one = &self.directories[above.0];
        let two = &self.directories[one.far_above.0];
        let three = &self.directories[two.far_above.0];
        let is_even = one.depth - two.depth == two.depth - three.depth;
        let far_above = if is_even { two.far_above } else { above };
        let (name, depth) = (name.to_owned(), one.depth + 1);
        let usage = Usage::default();
        self.directories.push(DirRecord { name, above, far_above, depth, mode: 0, own: 0, usage });
        DirId(self.directories.len() - 1)
    }

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

    /// The lowest directory that both lie in, or that is one of them.
    fn common(&self, one: DirId, other: DirId) -> DirId {
        let depth = self.depth(one).min(self.depth(other));
        let (mut one, mut other) = (self.ascend(one, depth), self.ascend(other, depth));
        // Of two of equal depth, the ancestors far above have equal depths, too.
        while one != other {
            let (left, right) = (&self.directories[one.0], &self.directories[other.0]);
            (one, other) = if left.far_above == right.far_above {
                (left.above, right.above)
            } else {
                (left.far_above, right.far_above)
            };
        }
        one
    }

    fn depth(&self, dir: DirId) -> usize {
        self.directories[dir.0].depth
    }

    fn ascend(&self, mut dir: DirId, depth: usize) -> DirId {
        while self.depth(dir) > depth {
            let DirRecord { above, far_above, .. } = self.directories[dir.0];
            dir = if self.depth(far_above) < depth { above } else { far_above };
        }
        dir
    }

    /// Adds everything to what it lies in, from the bottom up.
    fn add_up(&mut self) {
        for place in (1..self.directories.len()).rev() {
            let DirRecord { above, usage, .. } = self.directories[place];
            self.directories[above.0].usage += usage;
        }
    }

    /// Everything in an order that does not depend on who saw which first.
    fn into_breakdown(mut self, files: Vec<LargeFile>) -> Breakdown {
        let mut directories = Vec::<Directory>::with_capacity(self.directories.len());
        let mut places = vec![0; self.directories.len()];
        for (number, above) in self.order() {
            let DirRecord { name, mode, own, usage, .. } = &mut self.directories[number];
            let (name, mode, own, usage) = (std::mem::take(name), *mode, *own, *usage);
            let depth = directories.get(above).map_or(0, |above| above.depth + 1);
            places[number] = directories.len();
            directories.push(Directory { name, above, depth, mode, own, usage });
        }
        let names = self.names.into_iter().map(|(dir, name)| (places[dir.0], name));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable_by(|(one_dir, one), (other_dir, other)| {
            (one_dir, &one.name).cmp(&(other_dir, &other.name))
        });
        Breakdown { directories, files, names, layouts: self.layouts }
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Step by step: the greater number lies lower, or beside.
    fn climb(record: &TreeRecord, mut one: DirId, mut other: DirId) -> DirId {
        while one != other {
            let lower = if one > other { &mut one } else { &mut other };
            *lower = record.directories[lower.0].above;
        }
        one
    }

    proptest! {
        #[test]
        fn two_directories_meet_where_they_would_by_single_steps(
            picks in vec((any::<prop::sample::Index>(), any::<bool>()), 1..200),
        ) {
            let mut record = TreeRecord::new();
            for (pick, goes_deep) in picks {
                let count = record.directories.len();
                let above = if goes_deep { count - 1 } else { pick.index(count) };
                record.enter(DirId(above), OsStr::new("d"));
            }
            for one in (0..record.directories.len()).map(DirId) {
                for other in (0..record.directories.len()).step_by(7).map(DirId) {
                    prop_assert_eq!(record.common(one, other), climb(&record, one, other));
                }
            }
        }
    }

    #[test]
    fn the_way_up_from_the_depth_of_a_tree_is_short() {
        let mut record = TreeRecord::new();
        let mut dir = DirId::TOP;
        for _ in 0..100_000 {
            dir = record.enter(dir, OsStr::new("d"));
        }
        let mut steps = 0;
        while dir != DirId::TOP {
            dir = record.directories[dir.0].far_above;
            steps += 1;
        }
        assert!(steps < 40, "{steps}");
    }
}
