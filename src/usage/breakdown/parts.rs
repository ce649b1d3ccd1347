//! The finished breakdown of one tree.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use bytesize::ByteSize;

use super::dir_names::{DirName, DirNames};
use super::name::{Layout, Name};
use crate::fs::InodeId;
use crate::usage::amounts::Usage;

/// The directories of one tree with their sizes, and its largest files.
///
/// Sizes are like those of `du` for each directory: data shared by several files counts for each of
/// them. Takes memory for every directory of the tree, and for every name of an inode with several
/// names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// Every directory follows its parent and all larger siblings with their contents. The top is
    /// first.
    pub(in crate::usage) directories: Vec<Directory>,
    pub(super) dir_names: DirNames,
    pub(super) files: Vec<LargeFile>,
    /// Every name of anything but a directory, with the index of its directory, sorted by both.
    /// Empty unless the meter keeps names.
    pub(in crate::usage) names: Vec<(usize, Name)>,
    /// The layouts of files that share all their data.
    pub(in crate::usage) layouts: HashMap<InodeId, Layout>,
}

/// One directory. There may be millions of them, so this has 72 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::usage) struct Directory {
    pub(super) name: DirName,
    /// The index of the parent. The top is its own parent.
    pub above: u32,
    pub depth: u32,
    /// Permission bits.
    pub mode: u32,
    /// Bytes that the directory itself occupies.
    pub own: u64,
    pub usage: Usage,
}

impl Directory {
    /// The index of the parent.
    pub fn above(&self) -> usize {
        self.above as usize
    }
}

/// A directory of a tree, including everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its path in the tree.
    pub path: PathBuf,
    /// Its level below the top, at least 1.
    pub depth: usize,
    /// Everything in it and below it. An inode with other names elsewhere in the tree is not
    /// included here, but in the directory that contains all of them.
    pub usage: Usage,
}

/// One of the largest files of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeFile {
    /// Its path in the tree. If it has several, the alphabetically first one.
    pub path: PathBuf,
    /// Its length.
    pub apparent: ByteSize,
    /// The bytes of its allocated blocks.
    pub on_disk: ByteSize,
}

impl Breakdown {
    /// The whole tree.
    pub fn usage(&self) -> Usage {
        self.directories[0].usage
    }

    /// The `count` directories that are largest on disk, among those from 1 to `depth` levels below
    /// the top. Each follows its parent (always included, unless it is the top) and its larger
    /// siblings. Directories of equal size are sorted by name.
    pub fn largest(&self, count: usize, depth: usize) -> Vec<Part> {
        let mut chosen: Vec<_> = (1..self.directories.len())
            .filter(|&place| self.directories[place].depth as usize <= depth)
            .collect();
        // A parent is at least as large and comes first, so it is chosen, too.
        chosen.sort_by_key(|&place| (Reverse(self.directories[place].usage.on_disk), place));
        chosen.truncate(count);
        chosen.sort_unstable();
        chosen.into_iter().map(|place| self.part(place)).collect()
    }

    /// The largest files on disk, largest first, as many as the meter was told to find. An inode is
    /// one file, however many names it has.
    pub fn files(&self) -> &[LargeFile] {
        &self.files
    }

    pub(super) fn part(&self, place: usize) -> Part {
        let Directory { depth, usage, .. } = self.directories[place];
        let depth = depth as usize;
        let ways =
            std::iter::successors(Some(place), |&place| Some(self.directories[place].above()));
        let mut names: Vec<_> = ways.take(depth).collect();
        names.reverse();
        let path = names.into_iter().map(|place| self.dir_name(place)).collect();
        Part { path, depth, usage }
    }

    /// The name of the directory with this index.
    pub(in crate::usage) fn dir_name(&self, place: usize) -> &OsStr {
        self.dir_names.get(self.directories[place].name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StopFlag;
    use crate::cache::Cache;
    use crate::jobs::Jobs;
    use crate::test_cache::TestCache;
    use crate::usage::{Meter, Walker};

    #[test]
    fn a_directory_takes_less_than_a_hundred_bytes_with_its_name() {
        assert_eq!(size_of::<Directory>(), 72);
    }

    #[test]
    fn the_largest_come_with_their_parents_in_tree_order() {
        let mut dir_names = DirNames::default();
        let mut directory = |name: &str, above, depth, kib| {
            let usage = Usage { on_disk: ByteSize::kib(kib), ..Usage::default() };
            let name = dir_names.add(OsStr::new(name));
            Directory { name, above, depth, mode: 0o755, own: 0, usage }
        };
        let directories = vec![
            directory("", 0, 0, 100),
            directory("usr", 0, 1, 60),
            directory("lib", 1, 2, 60),
            directory("a", 2, 3, 30),
            directory("b", 2, 3, 30),
            directory("opt", 0, 1, 35),
            directory("c", 5, 2, 35),
        ];
        let breakdown = Breakdown {
            directories,
            dir_names,
            files: Vec::new(),
            names: Vec::new(),
            layouts: HashMap::new(),
        };
        for (count, depth, expected) in [
            (0, 9, &[][..]),
            (1, 9, &["usr"]),
            (2, 9, &["usr", "usr/lib"]),
            (3, 9, &["usr", "usr/lib", "opt"]),
            (5, 9, &["usr", "usr/lib", "usr/lib/a", "opt", "opt/c"]),
            (9, 9, &["usr", "usr/lib", "usr/lib/a", "usr/lib/b", "opt", "opt/c"]),
            (9, 1, &["usr", "opt"]),
            (3, 2, &["usr", "usr/lib", "opt"]),
        ] {
            let found = breakdown.largest(count, depth);
            let paths: Vec<_> = found.iter().map(|part| part.path.to_str().unwrap()).collect();
            assert_eq!(paths, expected, "{count} {depth}");
            assert!(found.iter().all(|part| part.depth == part.path.components().count()));
        }
    }

    /// Measures the only tree of a cache.
    fn measure(cache: &TestCache, walker: Walker) -> (Breakdown, Usage) {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let entry = opened.inventory().unwrap().entries.remove(0);
        let meter = Meter::new(Jobs::default()).with_walker(walker).with_breakdown(2);
        let at = entry.location;
        let measured =
            meter.measure(&opened, std::slice::from_ref(&at), &StopFlag::new(), &mut |_| {});
        let measured = measured.unwrap();
        (measured.breakdown(&at).unwrap().clone(), measured.usage(&at).unwrap())
    }

    #[test]
    fn an_inode_counts_in_the_directory_with_all_its_names() {
        let cache = TestCache::in_memory();
        let image = cache.image_with("a", |top| {
            for directory in ["x/one", "x/two", "y"] {
                std::fs::create_dir_all(top.join(directory)).unwrap();
            }
            for (file, mib, other) in [("x/one/a", 1, "x/two/a"), ("x/one/b", 2, "y/b")] {
                std::fs::write(top.join(file), vec![1; mib << 20]).unwrap();
                std::fs::hard_link(top.join(file), top.join(other)).unwrap();
            }
        });
        std::fs::hard_link(image.join("y/b"), cache.home().join("elsewhere")).unwrap();
        let (breakdown, usage) = measure(&cache, Walker::default());
        let mib = |usage: &Usage| usage.apparent.as_u64() >> 20;
        let found = breakdown.largest(9, 9);
        let found: Vec<_> =
            found.iter().map(|part| (part.path.to_str().unwrap(), mib(&part.usage))).collect();
        assert_eq!(found, [("x", 1), ("x/one", 0), ("x/two", 0), ("y", 0)]);
        assert_eq!(breakdown.usage(), usage);
        let files = breakdown.files().iter().map(|file| file.path.to_str().unwrap());
        assert_eq!(files.collect::<Vec<_>>(), ["x/one/b", "x/one/a"]);
    }

    #[test]
    fn more_than_one_batch_counts_in_the_same_directory() {
        const FILES: u64 = 1500;
        let cache = TestCache::in_memory();
        cache.image_with("a", |top| {
            let many = top.join("many");
            std::fs::create_dir(&many).unwrap();
            for number in 0..FILES {
                let [one, other] = ["a", "b"].map(|name| many.join(format!("{name}{number}")));
                std::fs::write(&one, "x").unwrap();
                std::fs::hard_link(&one, &other).unwrap();
            }
        });
        for walker in [Walker::Native, Walker::Portable] {
            let (breakdown, _) = measure(&cache, walker);
            let [many] = &breakdown.largest(9, 9)[..] else { panic!("{breakdown:?}") };
            let Usage { apparent, files, .. } = many.usage;
            assert_eq!((apparent.as_u64(), files), (FILES, 2 * FILES), "{walker:?}");
        }
    }
}
