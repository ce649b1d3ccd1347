//! The cache as seen from one mount namespace.
//!
//! A mount may show a directory above the cache, the cache itself, or a directory or file inside an
//! entry. Each is a [`Window`]: a path in the namespace, and the part of the cache behind it. All
//! windows count for every path, even if one mount hides another, because missing a user is worse
//! than reporting one too many. For the same reason a path counts even if its beginning is missing,
//! like that of a detached mount.

use std::path::Path;

use memchr::memmem::Finder;

use super::newlines;
use crate::cache::Location;
use crate::cache::path_lookup::{as_path, entry_below, readings};
use crate::fs::mountinfo::{Mount, Place, below, join, place_of_point};

/// Prefixes that only the owner of a cache uses. Any other name is meaningless without the
/// beginning of its path.
const OWN_NAMES: [&str; 2] = ["sha256-", "tmp-"];

/// The cache as seen from some namespace.
#[derive(Debug, Default)]
pub struct View {
    windows: Vec<Window>,
    /// Final parts of the cache's path, for paths whose beginning is unknown.
    tails: Vec<Window>,
    /// Strings that a line must contain to be worth parsing.
    marks: Vec<Finder<'static>>,
}

/// A path with a part of the cache behind it.
#[derive(Debug)]
struct Window {
    path: Vec<u8>,
    /// The part of the cache there: its path from the cache directory, starting with a slash.
    inside: Vec<u8>,
}

impl View {
    /// The parts of `cache` that these mounts show. Their mount points are relative to `root`.
    pub fn new(mounts: &[Mount], root: &Path, cache: &Place) -> Self {
        let windows = mounts.iter().filter_map(|mount| Window::new(mount, root, cache)).collect();
        Self::from_windows(windows)
    }

    /// The cache by its path alone, for when its mount is unknown.
    pub fn from_path(path: &[u8]) -> Self {
        Self::from_windows(vec![Window { path: path.to_vec(), inside: Vec::new() }])
    }

    fn from_windows(mut windows: Vec<Window>) -> Self {
        windows.dedup_by(|one, other| one.path == other.path && one.inside == other.inside);
        let marks = windows.iter().map(|window| finder(&window.path)).collect();
        Self { windows, tails: Vec::new(), marks }
    }

    /// Also accepts paths that begin somewhere on the way to `cache`.
    pub fn with_tails(mut self, cache: &Place) -> Self {
        let slashes = cache.path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let starts = slashes.map(|(start, _)| start).chain([cache.path.len()]);
        let tail = |start| Window { path: cache.path[start..].to_vec(), inside: Vec::new() };
        self.tails = starts.map(tail).collect();
        self.marks.extend(OWN_NAMES.map(|name| finder(format!("/{name}").as_bytes())));
        self
    }

    /// The entries that a path reported by the system may refer to.
    pub fn entries<'v>(&'v self, path: &'v [u8]) -> impl Iterator<Item = Location> + 'v {
        let tails = self.tails.iter().filter(|_| path.starts_with(b"/"));
        readings(path).flat_map(move |path| {
            let whole = self.windows.iter().filter_map(move |window| window.entry(path));
            let cut = tails.clone().filter_map(move |window| window.entry(path));
            whole.chain(cut.filter(|entry| OWN_NAMES.iter().any(|own| entry.name.starts_with(own))))
        })
    }

    /// Whether a line of a list of mappings may refer to an entry of the cache.
    pub fn may_mean(&self, line: &[u8]) -> bool {
        self.marks.iter().any(|mark| mark.find(line).is_some())
    }

    /// The entries that one of `mounts` keeps busy by itself: it is mounted in them, shows a part
    /// of them, or has them as layers.
    pub fn held(&self, mounts: &[Mount], mount: &Mount, cache: &Place) -> Vec<Location> {
        let point = place_of_point(mounts, mount);
        let places = [point.as_ref(), Some(&mount.root)].into_iter().flatten();
        let places = places.filter_map(|place| entry_at(cache, place));
        places.chain(mount.layers().iter().flat_map(|layer| self.spelled(layer))).collect()
    }

    /// A layer whose path starts at an unknown directory counts by the part that is known.
    fn spelled(&self, layer: &[u8]) -> Vec<Location> {
        match layer.starts_with(b"/") {
            true => self.entries(layer).collect(),
            false => self.entries(&join(b"/", &[b"/", layer].concat())).collect(),
        }
    }
}

impl Window {
    fn new(mount: &Mount, root: &Path, cache: &Place) -> Option<Self> {
        use std::os::unix::ffi::OsStrExt;
        let point = join(root.as_os_str().as_bytes(), &mount.point);
        if mount.root.device != cache.device {
            return None;
        }
        if let Some(rest) = below(&cache.path, &mount.root.path) {
            return Some(Self { path: join(&point, rest), inside: Vec::new() });
        }
        let inside = below(&mount.root.path, &cache.path)?.to_vec();
        Some(Self { path: point, inside })
    }

    fn entry(&self, path: &[u8]) -> Option<Location> {
        let rest = below(path, &self.path)?;
        entry_below(Path::new("/"), as_path(&join(&self.inside, rest)))
    }
}

/// The entry that contains a place, wherever that is mounted.
fn entry_at(cache: &Place, place: &Place) -> Option<Location> {
    let rest = below(&place.path, &cache.path).filter(|_| place.device == cache.device)?;
    entry_below(Path::new("/"), as_path(rest))
}

/// A finder for a path as escaped in a list of mappings.
fn finder(path: &[u8]) -> Finder<'static> {
    Finder::new(&newlines::escape(path)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::mountinfo::parse;

    fn cache() -> Place {
        Place { device: (8, 1), path: b"/user/images".to_vec() }
    }

    fn shown(found: impl Iterator<Item = Location>) -> Vec<String> {
        let mut found: Vec<_> = found.map(|location| location.to_string()).collect();
        found.dedup();
        found
    }

    const MOUNTS: &str = "1 0 9:9 / / rw\n2 1 8:1 /user /data rw\n3 1 8:1 /user/images/sha256-a /job rw\n\
        4 2 9:9 / /data/images/sha256-b rw\n5 1 8:1 /user/other /other rw\n\
        6 1 8:1 /user/images/sha256-c/usr/f /file rw\n7 1 8:1 /user/images/layers /l rw\n";

    #[test]
    fn a_path_refers_to_an_entry_through_any_mount() {
        let view = View::new(&parse(MOUNTS.as_bytes()), Path::new("/"), &cache());
        for (path, expected) in [
            ("/job", &["sha256-a"][..]),
            ("/job/usr (deleted)", &["sha256-a"]),
            ("/file", &["sha256-c"]),
            ("/file (deleted)", &["sha256-c"]),
            ("/l/sha256-x/y", &["layers/sha256-x"]),
            ("/data/images", &[]),
            ("/data/images/layers/x/y", &["layers/x"]),
            ("/data/images/refs/x", &[]),
            ("/data/images-2/x", &[]),
            ("/other/images/sha256-a", &[]),
            ("/home/user/images/sha256-a", &[]),
            ("/sha256-a", &[]),
            ("anon_inode:[eventpoll]", &[]),
        ] {
            assert_eq!(shown(view.entries(path.as_bytes())), expected, "{path}");
        }
    }

    #[test]
    fn mount_points_are_relative_to_the_root_of_the_process() {
        let jailed = View::new(&parse(b"1 0 8:1 / / rw\n"), Path::new("/jail"), &cache());
        assert_eq!(shown(jailed.entries(b"/jail/user/images/x")), ["x"]);
        assert_eq!(shown(jailed.entries(b"/user/images/x")), [""; 0]);
        let elsewhere = View::new(&parse(b"1 0 8:2 / / rw\n"), Path::new("/"), &cache());
        assert_eq!(shown(elsewhere.entries(b"/user/images/x")), [""; 0]);
    }

    #[test]
    fn a_path_without_its_beginning_counts_if_the_entry_has_an_own_name() {
        let view = View::default().with_tails(&cache());
        for (path, expected) in [
            ("/user/images/sha256-a/usr", &["sha256-a"][..]),
            ("/images/sha256-a", &["sha256-a"]),
            ("/sha256-a/usr (deleted)", &["sha256-a"]),
            ("/layers/sha256-a", &["layers/sha256-a"]),
            ("/usr/lib/libc.so", &[]),
            ("/other/sha256-a", &[]),
            ("sha256-a", &[]),
        ] {
            assert_eq!(shown(view.entries(path.as_bytes())), expected, "{path}");
            let line = format!("7f0000-7f1000 r-xp 00000000 08:01 42 {path}");
            assert!(expected.is_empty() || view.may_mean(line.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_mount_holds_the_entries_it_is_in_shows_or_has_as_layers() {
        let text = format!(
            "{MOUNTS}8 1 0:50 / /merged rw - overlay o rw,lowerdir=/data/images/sha256-d:/x,upperdir=/u\n\
             9 1 0:51 / /cut rw - overlay o rw,lowerdir=sha256-e:l\n"
        );
        let mounts = parse(text.as_bytes());
        let view = View::new(&mounts, Path::new("/"), &cache()).with_tails(&cache());
        let held =
            mounts.iter().map(|mount| shown(view.held(&mounts, mount, &cache()).into_iter()));
        let held: Vec<_> = held.map(|entries| entries.join(" ")).collect();
        let expected = ["", "", "sha256-a", "sha256-b", "", "sha256-c", "", "sha256-d", "sha256-e"];
        assert_eq!(held, expected);
    }
}
