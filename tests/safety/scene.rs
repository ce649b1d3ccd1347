//! A cache with one of everything that a gc meets, and the conditions that hold at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::cache::pull::{TICK, touch};
use crate::support::cache::{USED, age, hash};
use crate::support::{TestCache, run};

/// Everything at and below a path.
pub type Snapshot = BTreeMap<PathBuf, Found>;

/// The relevant properties of one path. The access time is not included, because reading changes
/// it, even for this snapshot. Neither is the status change time, because a rename updates it, and
/// renaming a tree there and back does no harm. Everything else must stay the same, to the
/// nanosecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    mode: u32,
    /// User and group.
    owner: (u32, u32),
    /// Number of names of its inode.
    names: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    content: Vec<u8>,
}

/// A snapshot of everything at and below a path. Empty if there is nothing.
pub fn snapshot(top: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut todo = vec![top.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(status) = path.symlink_metadata() else { continue };
        let content = match status.file_type() {
            kind if kind.is_dir() => {
                match fs::read_dir(&path) {
                    Ok(names) => todo.extend(names.map(|entry| entry.unwrap().path())),
                    // It is closed to everyone but root.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
                }
                Vec::new()
            }
            kind if kind.is_symlink() => {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            _ => fs::read(&path).unwrap(),
        };
        // The number of names of a directory depends on its contents.
        let names = if status.is_dir() { 0 } else { status.nlink() };
        let modified = (status.mtime(), status.mtime_nsec());
        let (mode, owner) = (status.mode(), (status.uid(), status.gid()));
        let about = Found { mode, owner, names, modified, content };
        found.insert(path.strip_prefix(top).unwrap().into(), about);
    }
    found
}

/// Two live images, one of them hidden by an interrupted gc; two orphans; a layer that may be
/// needed and one that is not; dead extractions; a dangling reference; leftovers of interrupted gc
/// runs; and a canary outside the cache that symlinks point to.
pub struct Scene {
    pub cache: TestCache,
    live: Snapshot,
    /// The refs of the live images, by file.
    refs: BTreeMap<String, Snapshot>,
    layer: Snapshot,
    canary: Snapshot,
    /// The images that a gc hides or has hidden, by name.
    movable: BTreeMap<&'static str, Snapshot>,
    /// A dead layer.
    old: Snapshot,
}

/// Images that a gc hides or has hidden, and where they are at first.
const MOVABLE: [(&str, &str); 4] = [
    ("dead1", "sha256-dead1"),
    ("dead2", "sha256-dead2"),
    ("x", "tmp-gc-sha256-x"),
    ("back", "tmp-gc-sha256-back"),
];

/// A gc that leaves only what is needed.
pub const COLLECT: [&str; 7] =
    ["gc", "--layers", "--temp-age", "0s", "--keep-recent", "0s", "--all"];

impl Scene {
    pub fn new() -> Self {
        Self::on(TestCache::in_memory())
    }

    pub fn on(cache: TestCache) -> Self {
        let canary = cache.home().join("canary");
        tree(&canary, &canary);
        fs::create_dir(Self::closed(&cache)).unwrap();
        fs::set_permissions(Self::closed(&cache), fs::Permissions::from_mode(0o000)).unwrap();
        let fill = |top: &Path| tree(top, &canary);
        // It has a file that is in no image.
        let old = cache.layer_with("old", |top| {
            fill(top);
            fs::write(top.join("a"), "of long ago").unwrap();
        });
        // It was last used before anything else was created.
        std::thread::sleep(TICK);
        touch(&old);
        std::thread::sleep(TICK);
        cache.live_with("live", fill);
        cache.image_with("dead1", fill);
        cache.image_with("dead2", fill);
        let layer = cache.layer_with("layer", fill);
        for (name, hidden) in [("x", "tmp-gc-sha256-x"), ("y", "tmp-gc-dead-sha256-y")] {
            fs::rename(cache.image_with(name, fill), cache.path(hidden)).unwrap();
        }
        fs::rename(cache.image_with("back", fill), cache.path("tmp-gc-sha256-back")).unwrap();
        cache.tag("example.com/back:1", "back");
        // As left by a pull, so that its layers can be told from those of other images.
        touch(&cache.path("tmp-gc-sha256-back"));
        cache.dangling("example.com/gone:1", "gone");
        for name in ["tmp-rootfs-1", "layers/tmp-layer-1"] {
            tree(&cache.path(name), &canary);
        }
        let refs = ["example.com/live:latest", "example.com/back:1"].map(|name| {
            let file = format!("refs/{}", hash(name));
            (file.clone(), snapshot(&cache.path(&file)))
        });
        let refs = refs.into();
        let movable = MOVABLE.map(|(name, place)| (name, snapshot(&cache.path(place)))).into();
        let live = snapshot(&cache.path("sha256-live"));
        let [layer, canary, old] = [layer, canary, old].map(|top| snapshot(&top));
        Self { cache, live, refs, layer, canary, movable, old }
    }

    /// A directory outside the cache that even its owner may not enter.
    fn closed(cache: &TestCache) -> PathBuf {
        cache.home().join("canary/closed")
    }

    /// Checks the conditions that hold at every moment, whatever has happened to a gc.
    pub fn check(&self, when: &str) {
        self.check_needed(when);
        self.check_movable(when);
        let old = snapshot(&self.cache.path("layers/sha256-old"));
        assert!(old.is_empty() || old == self.old, "{when}: a dead layer is half there");
    }

    /// Checks everything that a gc never touches.
    fn check_needed(&self, when: &str) {
        let cache = &self.cache;
        assert_eq!(snapshot(&cache.home().join("canary")), self.canary, "{when}: outside");
        assert_eq!(snapshot(&cache.path("sha256-live")), self.live, "{when}: a live image");
        for (file, whole) in &self.refs {
            assert_eq!(snapshot(&cache.path(file)), *whole, "{when}: the ref of a live image");
        }
        assert_eq!(snapshot(&cache.path("layers/sha256-layer")), self.layer, "{when}: a layer");
        let list = run(cache, &["list", "--no-sizes"]);
        assert_eq!((list.code, list.err.as_str()), (0, ""), "{when}");
    }

    /// Checks the conditions that hold at every moment of a purge. A gc in between puts nothing
    /// back that is not whole.
    pub fn check_purged(&self, when: &str) {
        let cache = &self.cache;
        assert_eq!(snapshot(&cache.home().join("canary")), self.canary, "{when}: outside");
        run(cache, &["gc", "-q"]);
        self.check_movable(when);
        let live = snapshot(&cache.path("sha256-live"));
        assert!(live.is_empty() || live == self.live, "{when}: a live image is half there");
    }

    /// Checks that every removable image is either whole or missing under each of its names.
    fn check_movable(&self, when: &str) {
        for (name, whole) in &self.movable {
            for place in [format!("sha256-{name}"), format!("tmp-gc-sha256-{name}")] {
                let found = snapshot(&self.cache.path(&place));
                assert!(found.is_empty() || found == *whole, "{when}: {place} is half there");
            }
        }
    }

    /// Checks the conditions that hold at every moment of a gc that may remove in place: an
    /// incomplete entry cannot be copied, and is recognizable by its mode.
    pub fn check_in_place(&self, when: &str) {
        self.check_needed(when);
        for (name, whole) in &self.movable {
            for place in [format!("sha256-{name}"), format!("tmp-gc-sha256-{name}")] {
                self.check_whole_or_closed(&place, whole, when);
            }
        }
        self.check_whole_or_closed("layers/sha256-old", &self.old, when);
    }

    fn check_whole_or_closed(&self, place: &str, whole: &Snapshot, when: &str) {
        let path = self.cache.path(place);
        let mode = fs::symlink_metadata(&path).map(|found| found.permissions().mode() & 0o777);
        if mode.is_ok_and(|mode| mode != 0o300) {
            assert_eq!(snapshot(&path), *whole, "{when}: {place} is half there, and not closed");
        }
    }

    /// Puts the image back that has a reference again, as the owner's next pull would.
    pub fn bring_back(&self) {
        fs::rename(self.cache.path("tmp-gc-sha256-back"), self.cache.path("sha256-back")).unwrap();
    }

    /// Whether an image exists, under its own name or hidden.
    pub fn has(&self, name: &str) -> bool {
        ["", "tmp-gc-"].iter().any(|prefix| {
            let path = self.cache.path(&format!("{prefix}sha256-{name}"));
            path.exists()
        })
    }

    /// Checks the result of an undisturbed gc.
    pub fn check_end(&self, when: &str) {
        self.check_end_with(&[], when);
    }

    /// Checks the result of a gc that has kept some entries, given by the paths it has reported:
    /// they are there, too, and nothing else is. The name of a ref may have been shortened.
    pub fn check_end_with(&self, kept: &[String], when: &str) {
        self.check(when);
        let mut found: BTreeSet<_> = self.names().into_iter().collect();
        for folder in ["layers", "refs"] {
            let names = names_in(&self.cache.path(folder));
            found.extend(names.iter().map(|name| format!("{folder}/{name}")));
        }
        let needed = ["layers", "refs", "sha256-back", "sha256-live", "layers/sha256-layer"];
        let mut expected: BTreeSet<_> = needed.map(str::to_owned).into();
        expected.extend(self.refs.keys().cloned());
        expected.extend(kept.iter().map(|path| {
            let is_it = |found: &&String| {
                // Messages show an image or a layer without the algorithm.
                let shown = found.replace("sha256-", "");
                let ends = path.split_once('…');
                shown == *path
                    || ends.is_some_and(|(start, end)| {
                        shown.starts_with(start) && shown.ends_with(end)
                    })
            };
            found.iter().find(is_it).unwrap_or(path).clone()
        }));
        assert_eq!(found, expected, "{when}");
    }

    pub fn names(&self) -> Vec<String> {
        names_in(&self.cache.dir())
    }
}

/// Otherwise only root could remove the temporary directory.
impl Drop for Scene {
    fn drop(&mut self) {
        let opened = fs::Permissions::from_mode(0o700);
        // A failed test may have lost it.
        fs::set_permissions(Self::closed(&self.cache), opened).unwrap_or_default();
    }
}

/// Two images. One has three refs and is to be removed.
pub struct NamedImages {
    pub cache: TestCache,
    whole: Snapshot,
}

pub const RM: [&str; 3] = ["rm", "--force", "sha256:chosen"];

impl NamedImages {
    pub fn new() -> Self {
        let cache = TestCache::in_memory();
        cache.live("kept");
        cache.image("chosen");
        (1..=3).for_each(|n| drop(cache.tag(&format!("example.com/chosen:{n}"), "chosen")));
        let whole = snapshot(&cache.dir());
        Self { cache, whole }
    }

    /// Checks that the image is either whole or missing, runs a gc, and checks that the image is
    /// then there with all its refs, or gone with them. Returns whether it is there.
    pub fn check_after_gc(&self, when: &str) -> bool {
        let (cache, whole) = (&self.cache, &self.whole);
        let image = snapshot(&cache.path("sha256-chosen"));
        assert!(image.is_empty() || image == below(whole, "sha256-chosen"), "{when}: half there");
        run(cache, &["gc"]).ok();
        let left = snapshot(&cache.dir());
        assert_eq!(below(&left, "sha256-kept"), below(whole, "sha256-kept"), "{when}: the other");
        let is_there = cache.path("sha256-chosen").exists();
        match is_there {
            true => assert_eq!(without_renames(left), without_renames(whole.clone()), "{when}"),
            false => {
                // A ref hidden by a fault now points to nothing, and is removed once it is old
                // enough.
                for name in names_in(&cache.path("refs")) {
                    age(&cache.path("refs").join(name), Duration::from_secs(120));
                }
                run(cache, &["gc"]).ok();
                let refs = names_in(&cache.path("refs")).len();
                assert_eq!((names_in(&cache.dir()).len(), refs), (2, 1), "{when}");
            }
        }
        is_there
    }
}

impl NamedImages {
    /// Checks that the image is whole as long as a reference points to it, and that the next gc
    /// removes it otherwise.
    pub fn check_in_place(&self, when: &str) {
        let image = self.cache.path("sha256-chosen");
        let refs = names_in(&self.cache.path("refs")).len() - 1;
        if refs > 0 {
            assert_eq!(snapshot(&image), below(&self.whole, "sha256-chosen"), "{when}");
        }
        run(&self.cache, &["gc"]).ok();
        assert_eq!(image.exists(), refs > 0, "{when}");
        let left = snapshot(&self.cache.path("sha256-kept"));
        assert_eq!(left, below(&self.whole, "sha256-kept"), "{when}: the other");
    }
}

/// A snapshot of a cache without the traces that hiding and restoring leave in its folders.
fn without_renames(mut snapshot: Snapshot) -> Snapshot {
    for folder in ["", "refs"] {
        snapshot.get_mut(Path::new(folder)).unwrap().modified = (0, 0);
    }
    snapshot
}

/// The part of a snapshot at and below a name.
fn below(snapshot: &Snapshot, name: &str) -> Snapshot {
    let inside = snapshot.iter().filter_map(|(path, found)| {
        Some((path.strip_prefix(name).ok()?.to_owned(), found.clone()))
    });
    inside.collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A small tree with entries that are hard to remove.
fn tree(top: &Path, canary: &Path) {
    fs::create_dir_all(top.join("usr/lib/deep")).unwrap();
    for name in ["a", "usr/b", "usr/lib/c", "usr/lib/deep/d"] {
        fs::write(top.join(name), name).unwrap();
    }
    fs::hard_link(top.join("usr/b"), top.join("usr/lib/deep/b")).unwrap();
    std::os::unix::fs::symlink(canary, top.join("usr/out")).unwrap();
    fs::create_dir(top.join("empty")).unwrap();
    age(top, USED.max(Duration::from_secs(60)));
}
