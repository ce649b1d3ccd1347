//! The record of every directory while a tree is walked.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;

use super::dir_id::DirId;
use super::dir_names::{DirName, DirNames};
use super::largest::{Largest, Named};
use super::name::{Layout, Name};
use super::parts::{Breakdown, Directory, LargeFile};
use crate::fs::{InodeId, Status};
use crate::usage::amounts::Usage;
use crate::usage::links::Link;

/// Records one tree. Shared by the workers, which update it once per directory.
pub struct Recorder {
    record: Mutex<TreeRecord>,
    largest: Largest,
    keeps_names: bool,
}

struct TreeRecord {
    /// Indexed by ID.
    directories: Vec<DirRecord>,
    dir_names: DirNames,
    /// Names of inodes with several names, which can only be counted for the whole tree.
    linked: Vec<(Link, DirId)>,
    names: Vec<(DirId, Name)>,
    layouts: HashMap<InodeId, Layout>,
}

/// One directory. As for the finished one, every byte counts.
struct DirRecord {
    name: DirName,
    /// The ID of the parent.
    above: u32,
    /// The ID of an ancestor that may be many levels up.
    far_above: u32,
    /// Levels below the top.
    depth: u32,
    mode: u32,
    /// Bytes that the directory itself occupies.
    own: u64,
    /// The sum of its direct children.
    usage: Usage,
}

impl DirRecord {
    fn above(&self) -> DirId {
        DirId(self.above as usize)
    }

    fn far_above(&self) -> DirId {
        DirId(self.far_above as usize)
    }
}

impl Recorder {
    /// A recorder that also finds this many of the largest files.
    pub fn new(largest_files: usize) -> Self {
        let (record, largest) = (Mutex::new(TreeRecord::new()), Largest::new(largest_files));
        Self { record, largest, keeps_names: false }
    }

    /// Sets whether to keep every name, too.
    pub fn keeping_names(self, keeps_names: bool) -> Self {
        Self { keeps_names, ..self }
    }

    pub fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    /// A new ID for the directory `name` in `above`.
    pub fn enter(&self, above: DirId, name: &OsStr, status: &Status) -> DirId {
        let mut record = self.record();
        let dir = record.enter(above, name);
        record.describe(dir, status);
        dir
    }

    /// The ID of the top.
    pub fn enter_top(&self, status: &Status) -> DirId {
        self.record().describe(DirId::TOP, status);
        DirId::TOP
    }

    /// Records names in a directory, and the layouts of files.
    pub fn keep(&self, dir: DirId, names: &mut Vec<Name>, layouts: &mut Vec<(InodeId, Layout)>) {
        if names.is_empty() && layouts.is_empty() {
            return;
        }
        let mut record = self.record();
        record.names.extend(names.drain(..).map(|name| (dir, name)));
        record.layouts.extend(layouts.drain(..));
    }

    /// Adds the direct children of a directory. The bytes of `linked` are not included in `usage`.
    pub fn add(&self, dir: DirId, usage: &Usage, linked: &[Link]) {
        let mut record = self.record();
        record.directories[dir.0].usage += *usage;
        record.linked.extend(linked.iter().map(|&link| (link, dir)));
    }

    /// Records one name of a file if the file is one of the largest so far.
    pub fn note_file(&self, dir: DirId, name: &OsStr, status: &Status) {
        self.largest.note(dir, name, status, |one, other| {
            let record = self.record();
            record.path_of(one) < record.path_of(other)
        });
    }

    fn record(&self) -> MutexGuard<'_, TreeRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The finished breakdown, once everything has been seen.
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
            name: DirName::default(),
            above: 0,
            far_above: 0,
            depth: 0,
            mode: 0,
            own: 0,
            usage: Usage::default(),
        };
        let (dir_names, linked) = (DirNames::default(), Vec::new());
        let (names, layouts) = (Vec::new(), HashMap::new());
        Self { directories: vec![top], dir_names, linked, names, layouts }
    }

    fn describe(&mut self, dir: DirId, status: &Status) {
        let directory = &mut self.directories[dir.0];
        (directory.mode, directory.own) = (status.mode, status.on_disk());
    }

    /// A tree may have as many levels as directories, and each of them may have a file with names
    /// all over the tree. So each directory has a link to an ancestor far above it, as far as the
    /// binary digits of its depth allow (a skew-binary list, by Myers). Any ancestor can then be
    /// reached in a number of steps logarithmic in the depth.
    fn enter(&mut self, above: DirId, name: &OsStr) -> DirId {
        let one = &self.directories[above.0];
        let two = &self.directories[one.far_above().0];
        let three = &self.directories[two.far_above().0];
        let is_even = one.depth - two.depth == two.depth - three.depth;
        let far_above = if is_even { two.far_above } else { above.0 as u32 };
        let (name, above, depth) = (self.dir_names.add(name), above.0 as u32, one.depth + 1);
        let usage = Usage::default();
        self.directories.push(DirRecord { name, above, far_above, depth, mode: 0, own: 0, usage });
        DirId(self.directories.len() - 1)
    }

    fn path_of(&self, file: &Named) -> PathBuf {
        let (mut names, mut dir) = (vec![file.name.as_os_str()], file.dir);
        while dir != DirId::TOP {
            let directory = &self.directories[dir.0];
            names.push(self.dir_names.get(directory.name));
            dir = directory.above();
        }
        names.into_iter().rev().collect()
    }

    /// Counts each inode with several names in the lowest directory that contains all of them.
    fn settle_links(&mut self) {
        let mut linked = std::mem::take(&mut self.linked);
        linked.sort_unstable_by_key(|(link, dir)| (link.inode(), *dir));
        for names in linked.chunk_by(|(one, _), (next, _)| one.inode() == next.inode()) {
            let ids = names.iter().map(|(_, dir)| *dir);
            let home = ids.reduce(|one, other| self.common(one, other)).unwrap_or_default();
            self.directories[home.0].usage += names[0].0.bytes();
        }
    }

    /// The lowest common ancestor of two directories, which may be one of them.
    fn common(&self, one: DirId, other: DirId) -> DirId {
        let depth = self.depth(one).min(self.depth(other));
        let (mut one, mut other) = (self.ascend(one, depth), self.ascend(other, depth));
        // Directories of equal depth have far ancestors of equal depth.
        while one != other {
            let (left, right) = (&self.directories[one.0], &self.directories[other.0]);
            (one, other) = if left.far_above == right.far_above {
                (left.above(), right.above())
            } else {
                (left.far_above(), right.far_above())
            };
        }
        one
    }

    fn depth(&self, dir: DirId) -> u32 {
        self.directories[dir.0].depth
    }

    fn ascend(&self, mut dir: DirId, depth: u32) -> DirId {
        while self.depth(dir) > depth {
            let record = &self.directories[dir.0];
            let far_above = record.far_above();
            dir = if self.depth(far_above) < depth { record.above() } else { far_above };
        }
        dir
    }

    /// Adds every directory to its parent, from the bottom up.
    fn add_up(&mut self) {
        for place in (1..self.directories.len()).rev() {
            let DirRecord { above, usage, .. } = self.directories[place];
            self.directories[above as usize].usage += usage;
        }
    }

    /// Sorts everything in an order that does not depend on the order of the threads.
    fn into_breakdown(self, files: Vec<LargeFile>) -> Breakdown {
        let mut directories = Vec::<Directory>::with_capacity(self.directories.len());
        let mut dir_names = DirNames::default();
        let mut places = vec![0u32; self.directories.len()];
        for (number, above) in self.order() {
            let DirRecord { name, mode, own, usage, depth, .. } = self.directories[number as usize];
            let name = dir_names.add(self.dir_names.get(name));
            places[number as usize] = directories.len() as u32;
            directories.push(Directory { name, above, depth, mode, own, usage });
        }
        let names = self.names.into_iter().map(|(dir, name)| (places[dir.0] as usize, name));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable_by(|(one_dir, one), (other_dir, other)| {
            (one_dir, &one.name).cmp(&(other_dir, &other.name))
        });
        Breakdown { directories, dir_names, files, names, layouts: self.layouts }
    }

    /// The IDs in that order, each with the new index of its parent.
    fn order(&self) -> Vec<(u32, u32)> {
        let children = self.by_above();
        let above = |child: &u32| self.directories[*child as usize].above;
        let first = |place| children.partition_point(|child| above(child) < place);
        let mut order = Vec::with_capacity(self.directories.len());
        // Visited from the end.
        let mut waiting = vec![(0, 0)];
        while let Some((place, above)) = waiting.pop() {
            let here = order.len() as u32;
            order.push((place, above));
            let children = &children[first(place)..first(place + 1)];
            waiting.extend(children.iter().map(|&child| (child, here)));
        }
        order
    }

    /// All directories but the top, sorted by parent, then from smallest to largest.
    fn by_above(&self) -> Vec<u32> {
        let mut places: Vec<_> = (1..self.directories.len() as u32).collect();
        places.sort_unstable_by(|&one, &other| {
            let [one, other] = [one, other].map(|place| &self.directories[place as usize]);
            let sizes = (one.above, one.usage.on_disk).cmp(&(other.above, other.usage.on_disk));
            let name = |record: &DirRecord| self.dir_names.get(record.name);
            sizes.then_with(|| name(other).cmp(name(one)))
        });
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Step by step: the greater ID is lower or beside.
    fn climb(record: &TreeRecord, mut one: DirId, mut other: DirId) -> DirId {
        while one != other {
            let lower = if one > other { &mut one } else { &mut other };
            *lower = record.directories[lower.0].above();
        }
        one
    }

    proptest! {
        #[test]
        fn far_links_lead_to_the_same_common_ancestor_as_single_steps(
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
    fn the_way_up_from_a_deep_directory_is_short() {
        let mut record = TreeRecord::new();
        let mut dir = DirId::TOP;
        for _ in 0..100_000 {
            dir = record.enter(dir, OsStr::new("d"));
        }
        let mut steps = 0;
        while dir != DirId::TOP {
            dir = record.directories[dir.0].far_above();
            steps += 1;
        }
        assert!(steps < 40, "{steps}");
    }
}
