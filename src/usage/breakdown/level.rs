//! One level of a tree: the direct children of one directory.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::parts::{Breakdown, Part};
use crate::cache::{Cache, Location};
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, Kind};
use crate::stop::StopFlag;
use crate::usage::amounts::Usage;

/// A file directly in a directory, or anything else that is not a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelFile {
    /// Its name in the directory. Not safe to print.
    pub name: OsString,
    /// Its size.
    pub usage: Usage,
    /// Whether the inode has other names. If so, it may be counted elsewhere in the tree.
    pub has_other_names: bool,
}

impl Breakdown {
    /// The subdirectories of the directory at `path`, largest first. The empty path is the top.
    /// `None` if there is no such directory.
    pub fn directories_in(&self, path: &Path) -> Option<Vec<Part>> {
        let mut place = 0;
        for name in path {
            place = self.children(place).find(|&child| self.dir_name(child) == name)?;
        }
        Some(self.children(place).map(|child| self.part(child)).collect())
    }

    /// The children of a directory. Its descendants follow it directly in the list.
    fn children(&self, place: usize) -> impl Iterator<Item = usize> {
        let depth = self.directories[place].depth;
        let behind = place + 1..self.directories.len();
        behind
            .take_while(move |&other| self.directories[other].depth > depth)
            .filter(move |&other| self.directories[other].depth == depth + 1)
    }
}

/// The files directly in the directory at `path` of a tree, in no order. Costs one `stat` per file.
///
/// # Errors
/// The directory is gone, is a mount point or cannot be read, or `stop` was raised. A file that
/// disappears in the meantime is left out. A file whose status cannot be read counts as unreadable.
pub fn files_in(
    cache: &Cache,
    tree: &Location,
    path: &Path,
    stop: &StopFlag,
) -> Result<Vec<LevelFile>> {
    let shown = tree.path_in(cache.path()).join(path);
    let missing = || Error::io("open", &shown, rustix::io::Errno::NOENT);
    let folder = cache.folder(tree.folder)?.ok_or_else(missing)?;
    let mut directory = child(&folder, tree.name.as_os_str()).context("open", &shown)?;
    for name in path {
        directory = child(&directory, name).context("open", &shown)?;
    }
    let mut files = Vec::new();
    let look = |name: &std::ffi::CStr, kind| {
        if kind != Some(Kind::Directory) && !stop.is_raised() {
            files.extend(file(&directory, name));
        }
    };
    directory.for_each(look).context("read", &shown)?;
    if stop.is_raised() { Err(Error::Interrupted) } else { Ok(files) }
}

fn child(directory: &Directory, name: &OsStr) -> rustix::io::Result<Directory> {
    let name = CString::new(name.as_bytes()).map_err(|_| rustix::io::Errno::INVAL)?;
    Ok(directory.open_child(&name)?.0)
}

/// `None` for a directory, and for a file that is already gone.
fn file(directory: &Directory, name: &std::ffi::CStr) -> Option<LevelFile> {
    let mut usage = Usage { files: 1, ..Usage::default() };
    let has_other_names = match directory.status_of(name) {
        Ok(status) if status.kind == Kind::Directory => return None,
        Ok(status) => {
            usage.add_bytes(&status);
            status.links > 1
        }
        Err(rustix::io::Errno::NOENT) => return None,
        Err(_) => {
            usage.unreadable = 1;
            false
        }
    };
    let name = OsString::from_vec(name.to_bytes().to_vec());
    Some(LevelFile { name, usage, has_other_names })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Jobs;
    use crate::test_cache::TestCache;
    use crate::usage::Meter;

    #[test]
    fn a_level_has_direct_children_only_and_follows_no_symlink() {
        let cache = TestCache::in_memory();
        cache.image_with("a", |top| {
            std::fs::create_dir_all(top.join("usr/lib/deep")).unwrap();
            std::fs::create_dir_all(top.join("usr/bin")).unwrap();
            std::fs::write(top.join("usr/bin/tool"), vec![1; 9000]).unwrap();
            std::fs::write(top.join("usr/file"), vec![1; 5000]).unwrap();
            std::fs::hard_link(top.join("usr/file"), top.join("usr/lib/again")).unwrap();
            std::os::unix::fs::symlink(cache.outside(), top.join("usr/way-out")).unwrap();
        });
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let at = opened.inventory().unwrap().entries.remove(0).location;
        let meter = Meter::new(Jobs::default()).with_breakdown(0);
        let stop = StopFlag::new();
        let found = meter.measure(&opened, std::slice::from_ref(&at), &stop, &mut |_| {}).unwrap();
        let breakdown = found.breakdown(&at).unwrap();
        let names = |path: &str| {
            let parts = breakdown.directories_in(Path::new(path))?;
            let names = parts.iter().map(|part| part.path.to_str().unwrap().to_owned());
            Some(names.collect::<Vec<_>>())
        };
        assert_eq!(names("usr").unwrap(), ["usr/bin", "usr/lib"]);
        assert_eq!(names("usr/lib").unwrap(), ["usr/lib/deep"]);
        assert_eq!((names("usr/lib/deep").unwrap().len(), names("nowhere")), (0, None));

        let mut files = files_in(&opened, &at, Path::new("usr"), &stop).unwrap();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                (file.name.to_str().unwrap(), file.usage.apparent.as_u64(), file.has_other_names)
            })
            .collect();
        let way_out = cache.outside().as_os_str().len() as u64;
        assert_eq!(files, [("file", 5000, true), ("way-out", way_out, false)]);
        for path in ["usr/way-out", "usr/file", "nowhere"] {
            assert!(files_in(&opened, &at, Path::new(path), &stop).is_err(), "{path}");
        }
        stop.raise();
        assert!(files_in(&opened, &at, Path::new("usr"), &stop).is_err());
    }
}
