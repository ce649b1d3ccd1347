//! Which entry a path leads to.
//!
//! The system reports real paths. People and programs may also use the path with which the cache
//! was opened, or yet another one through a symlink.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::entry_name::EntryName;
use super::handle::Cache;
use super::location::{Folder, Location};

/// The suffix that Linux adds to the path of an open file that has been removed.
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

    /// The real path of the cache directory, as the system reports it.
    #[cfg_attr(
        any(not(target_os = "linux"), bbox_portable),
        allow(dead_code, reason = "mounts are known by their paths alone there")
    )]
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// The entries that a path reported by the system may refer to.
    #[cfg_attr(
        all(target_os = "linux", not(bbox_portable)),
        allow(dead_code, reason = "mounts tell more there than a path")
    )]
    pub fn of_link(&self, link: &[u8]) -> impl Iterator<Item = Location> {
        readings(link).filter_map(|path| entry_below(&self.real, as_path(path)))
    }

    /// The entries that an absolute path from a program refers to, taken literally. A directory
    /// that has been renamed in the meantime still counts by its old name.
    pub fn of_name(&self, path: &Path) -> impl Iterator<Item = Location> {
        [&self.spelled, &self.real].into_iter().filter_map(|cache| entry_below(cache, path))
    }
}

/// The possible meanings of a path reported by the system. A file can also really be *called*
/// `x (deleted)`. Then both readings count, because missing one is worse.
pub fn readings(link: &[u8]) -> impl Iterator<Item = &[u8]> {
    [Some(link), link.strip_suffix(DELETED)].into_iter().flatten()
}

/// Converts raw bytes to a path.
pub fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The entry of the cache directory `cache` that a path refers to or is inside. `None` for a path
/// with `..`, which cannot be resolved without following it.
pub fn entry_below(cache: &Path, path: &Path) -> Option<Location> {
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
    fn a_path_from_the_system_leads_to_its_entry() {
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
    fn a_path_from_a_program_may_be_spelled_in_several_ways() {
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
            let mut found = shown(places().of_name(Path::new(path)));
            found.dedup();
            assert_eq!(found, expected, "{path:?}");
        }
    }
}
