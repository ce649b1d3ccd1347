//! The breakdown of one directory in a tree.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::parts::{Breakdown, LargeFile};
use crate::fs::Kind;

/// Why a path does not lead to a directory of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDirectory {
    /// Nothing exists at this path.
    Missing(PathBuf),
    /// There is a symlink at this path. Its target is not part of the tree.
    Symlink(PathBuf),
    /// There is something else at this path.
    Other(PathBuf),
}

impl Breakdown {
    /// The directory at `path`, which must consist of plain names, as a tree of its own with its
    /// `largest_files` largest files. Its sums do not include inodes that also have names elsewhere
    /// in the whole tree. Needs a tree whose [names](crate::usage::Meter::with_names) were kept.
    ///
    /// # Errors
    /// The tree has no such directory. Symlinks are not followed.
    pub fn below(&self, path: &Path, largest_files: usize) -> Result<Self, NoDirectory> {
        let (mut top, mut way) = (0, PathBuf::new());
        for name in path {
            way.push(name);
            top = self.child(top, name).ok_or_else(|| self.no_directory(top, name, &way))?;
        }
        let depth = self.directories[top].depth;
        let below = self.directories[top + 1..].iter();
        let end = top + 1 + below.take_while(|directory| directory.depth > depth).count();
        let mut directories = self.directories[top..end].to_vec();
        for directory in &mut directories {
            directory.depth -= depth;
            directory.above = directory.above.saturating_sub(top as u32);
        }
        let names = self.names.iter().filter(|(place, _)| (top..end).contains(place));
        let names = names.map(|(place, name)| (place - top, name.clone())).collect();
        let layouts = HashMap::new();
        let dir_names = self.dir_names.clone();
        let part = Self { directories, dir_names, files: Vec::new(), names, layouts };
        let files = part.largest_files(largest_files);
        Ok(Self { files, ..part })
    }

    fn child(&self, above: usize, name: &OsStr) -> Option<usize> {
        let is_it = |place: &usize| {
            self.directories[*place].above() == above && self.dir_name(*place) == name
        };
        (above + 1..self.directories.len()).find(is_it)
    }

    fn no_directory(&self, above: usize, name: &OsStr, way: &Path) -> NoDirectory {
        let mut names = self.names.iter();
        match names.find(|(place, found)| *place == above && found.name == name) {
            None => NoDirectory::Missing(way.to_owned()),
            Some((_, found)) if found.kind == Kind::Symlink => NoDirectory::Symlink(way.to_owned()),
            Some(_) => NoDirectory::Other(way.to_owned()),
        }
    }

    /// Chosen from all names. An inode is listed by its alphabetically first path.
    fn largest_files(&self, count: usize) -> Vec<LargeFile> {
        let mut inodes: Vec<_> =
            self.names.iter().map(|(_, name)| (Reverse(name.on_disk), name.inode)).collect();
        inodes.sort_unstable();
        inodes.dedup();
        inodes.truncate(count);
        let mut found = BTreeMap::new();
        for (place, name) in &self.names {
            if inodes.binary_search(&(Reverse(name.on_disk), name.inode)).is_ok() {
                let path = self.part(*place).path.join(&name.name);
                let (apparent, on_disk) = (ByteSize::b(name.size), ByteSize::b(name.on_disk));
                let file = LargeFile { path, apparent, on_disk };
                let first: &mut LargeFile = found.entry(name.inode).or_insert_with(|| file.clone());
                if file.path < first.path {
                    *first = file;
                }
            }
        }
        let mut files: Vec<_> = found.into_values().collect();
        files.sort_by(|one, other| (other.on_disk, &one.path).cmp(&(one.on_disk, &other.path)));
        files
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::StopFlag;
    use crate::cache::Cache;
    use crate::jobs::Jobs;
    use crate::test_cache::TestCache;
    use crate::usage::Meter;

    #[test]
    fn a_directory_is_a_tree_of_its_own() {
        let cache = TestCache::in_memory();
        cache.image_with("a", |top| {
            for (file, kib) in [("x/one/a", 40), ("x/one/deep/b", 8), ("x/two", 20), ("y/big", 90)]
            {
                fs::create_dir_all(top.join(file).parent().unwrap()).unwrap();
                fs::write(top.join(file), vec![1; kib << 10]).unwrap();
            }
            fs::hard_link(top.join("x/one/a"), top.join("x/again")).unwrap();
            symlink("x", top.join("link")).unwrap();
        });
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let at = opened.inventory().unwrap().entries.remove(0).location;
        let meter = Meter::new(Jobs::default()).with_names();
        let trees = std::slice::from_ref(&at);
        let measured = meter.measure(&opened, trees, &StopFlag::new(), &mut |_| {}).unwrap();
        let whole = measured.breakdown(&at).unwrap();
        let x = whole.below(Path::new("x"), 2).unwrap();
        let paths = |found: Vec<&Path>| -> Vec<String> {
            found.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
        };
        let directories = x.largest(9, 9);
        assert_eq!(
            paths(directories.iter().map(|part| &*part.path).collect()),
            ["one", "one/deep"]
        );
        assert_eq!(paths(x.files().iter().map(|file| &*file.path).collect()), ["again", "two"]);
        assert_eq!(x.usage().apparent().exact().unwrap(), ByteSize::kib(68));
        assert_eq!(whole.below(Path::new("x/one"), 0).unwrap().usage().files, 2);
        assert_eq!(whole.below(Path::new(""), 0).unwrap().usage(), whole.usage());
        for (path, expected) in [
            ("x/none", NoDirectory::Missing("x/none".into())),
            ("link/one", NoDirectory::Symlink("link".into())),
            ("x/two/more", NoDirectory::Other("x/two".into())),
        ] {
            assert_eq!(whole.below(Path::new(path), 0), Err(expected));
        }
    }
}
