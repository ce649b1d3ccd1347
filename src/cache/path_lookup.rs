//! Which entry a path leads to.
//!
//! The system speaks of a cache by its real path; people and programs also by the path that it was
//! opened by, or by yet another one through some symlink.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::entry_name::EntryName;
use super::handle::Cache;
use super::location::{Folder, Location};

/// What Linux puts behind the path of a file that has been removed since it was opened.
const DELETED: &[u8] = b" (deleted)";

/// The paths of the cache directory.
#[derive(Debug)]
pub struct PathLookup {
    real: PathBuf,
    spelled: PathBuf,
}

impl PathLookup {
    pub fn new(cache: &Cache) -> Self {
        let spelled = std::path::absolute(cache.path()).unwrap_or_else(|_| cache.path().to_owned());
        let real = cache.root().path().or_else(|| spelled.canonicalize().ok());
        Self { real: real.unwrap_or_else(|| spelled.clone()), spelled }
    }

    /// The path of the cache directory as the system calls it.
    #[cfg_attr(
        any(not(target_os = "linux"), bbox_portable),
        allow(dead_code, reason = "no mappings are read there")
    )]
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// The entries that a path may mean which came from the system. A file can also be *called*
    /// `x (deleted)`: then both are meant, since it is worse to miss one.
    pub fn of_link(&self, link: &[u8]) -> impl Iterator<Item = Location> {
        let readings = if link.starts_with(self.real.as_os_str().as_bytes()) {
            [Some(link), link.strip_suffix(DELETED)]
        } else {
            [None, None]
        };
        readings.into_iter().flatten().filter_map(|path| entry_below(&self.real, as_path(path)))
    }

    /// The entries that a path may mean which came from a program whose current directory is
    /// `cwd`: what it says, and where that leads. A directory that has been renamed meanwhile still
    /// counts by the name that it had.
    pub fn of_name(&self, path: &Path, cwd: Option<&Path>) -> impl Iterator<Item = Location> {
        let path = cwd.unwrap_or(Path::new("")).join(path);
        // What is relative still would be taken from our own directory.
        let followed = path.is_absolute().then(|| follow(&path)).flatten();
        let found = [
            entry_below(&self.spelled, &path),
            entry_below(&self.real, &path),
            followed.and_then(|path| entry_below(&self.real, &path)),
        ];
        found.into_iter().flatten()
    }
}

/// A path of raw bytes.
fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Where a path leads: as far as it can be followed, and by its own words from there.
fn follow(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|upper| {
        let rest = path.strip_prefix(upper).ok()?;
        Some(upper.canonicalize().ok()?.join(rest))
    })
}

/// The entry of the cache directory `cache` that a path is or lies in. None for what steps back:
/// where `..` leads is known only to who follows it.
fn entry_below(cache: &Path, path: &Path) -> Option<Location> {
    let mut names = path.strip_prefix(cache).ok()?.components().map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let first = names.next()??;
    let (folder, name) = match first.as_bytes() {
        b"refs" => return None,
        b"layers" => (Folder::Layers, names.next()??),
        _ => (Folder::Root, first),
    };
    let is_straight = names.all(|name| name.is_some());
    EntryName::new(name.as_bytes()).filter(|_| is_straight).map(|name| Location { folder, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> PathLookup {
        PathLookup { real: "/disk/images".into(), spelled: "/home/images".into() }
    }

    fn shown(found: impl Iterator<Item = Location>) -> Vec<String> {
        found.map(|location| location.to_string()).collect()
    }

    #[test]
    fn what_the_system_calls_a_file_leads_to_its_entry() {
        for (link, expected) in [
            ("/disk/images/sha256-a", &["sha256-a"][..]),
            ("/disk/images/sha256-ab", &["sha256-ab"]),
            ("/disk/images/sha256-a/usr/bin/node", &["sha256-a"]),
            ("/disk/images/tmp-rootfs-1/usr", &["tmp-rootfs-1"]),
            ("/disk/images/layers/sha256-a/usr", &["layers/sha256-a"]),
            ("/disk/images/layers/sha256-a", &["layers/sha256-a"]),
            ("/disk/images/sha256-a/layers/b", &["sha256-a"]),
            ("/disk/images/sha256-a/x (deleted)", &["sha256-a", "sha256-a"]),
            ("/disk/images/sha256-a (deleted)", &["sha256-a (deleted)", "sha256-a"]),
            ("/disk/images/refs/sha256-a", &[]),
            ("/disk/images/layers", &[]),
            ("/disk/images", &[]),
            ("/disk/images (deleted)", &[]),
            ("/disk/images-2/sha256-a", &[]),
            ("/home/images/sha256-a", &[]),
            ("/x/disk/images/sha256-a", &[]),
            ("socket:[1234]", &[]),
            ("", &[]),
        ] {
            assert_eq!(shown(places().of_link(link.as_bytes())), expected, "{link:?}");
        }
    }

    #[test]
    fn what_a_program_calls_a_directory_may_be_spelled_in_several_ways() {
        for (path, expected) in [
            ("/home/images/sha256-a", &["sha256-a"][..]),
            ("/home//images/./sha256-a/", &["sha256-a"]),
            ("/disk/images/layers/sha256-a/usr", &["layers/sha256-a"]),
            ("/home/images/sha256-a/../sha256-b", &[]),
            ("/home/images/../sha256-a", &[]),
            ("/home/images", &[]),
            ("images/sha256-a", &[]),
            ("", &[]),
        ] {
            let mut found = shown(places().of_name(Path::new(path), None));
            found.dedup();
            assert_eq!(found, expected, "{path:?}");
        }
        let (path, home) = (Path::new("images/sha256-a"), Some(Path::new("/home")));
        assert_eq!(shown(places().of_name(path, home))[0], "sha256-a");
    }
}
