//! A cache with one of everything that a collection meets, and what must hold of it at any time.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::cache::pull::{TICK, touch};
use crate::support::cache::{USED, age};
use crate::support::{TestCache, run};

/// What is worth knowing of one name: its mode, how many names its inode has, and its content.
pub type Snapshot = BTreeMap<PathBuf, (u32, u64, Vec<u8>)>;

/// Everything at and below a path; nothing if there is nothing.
pub fn snapshot(top: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut todo = vec![top.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(status) = path.symlink_metadata() else { continue };
        let content = match status.file_type() {
            kind if kind.is_dir() => {
                match fs::read_dir(&path) {
                    Ok(names) => todo.extend(names.map(|entry| entry.unwrap().path())),
                    // It is closed to everybody but root.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
                }
                Vec::new()
            }
            kind if kind.is_symlink() => {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            _ => fs::read(&path).unwrap(),
        };
        // A directory's number of names follows its content.
        let names = if status.is_dir() { 0 } else { status.nlink() };
        found.insert(path.strip_prefix(top).unwrap().into(), (status.mode(), names, content));
    }
    found
}

/// Two live images, one of which an interrupted collection has hidden; two orphans, a layer that may
/// be needed and one that is not, dead extractions, a ref to nothing, what interrupted collections
/// have left, and a canary outside that symlinks lead to.
pub struct Scene {
    pub cache: TestCache,
    live: Snapshot,
    layer: Snapshot,
    canary: Snapshot,
    orphan: Snapshot,
    /// A dead layer.
    old: Snapshot,
}

/// The collection that leaves only what is needed.
pub const COLLECT: [&str; 4] = ["gc", "--layers", "--temp-age", "0s"];

impl Scene {
    pub fn new() -> Self {
        let cache = TestCache::new();
        let canary = cache.home().join("canary");
        tree(&canary, &canary);
        fs::create_dir(Self::closed(&cache)).unwrap();
        fs::set_permissions(Self::closed(&cache), fs::Permissions::from_mode(0o000)).unwrap();
        let fill = |top: &Path| tree(top, &canary);
        // Something in it is in no image.
        let old = cache.layer_with("old", |top| {
            fill(top);
            fs::write(top.join("a"), "of long ago").unwrap();
        });
        // It was in use once, before anything else was made.
        std::thread::sleep(TICK);
        touch(&old);
        std::thread::sleep(TICK);
        let old = snapshot(&old);
        let live = snapshot(&cache.live_with("live", fill));
        let orphan = snapshot(&cache.image_with("dead1", fill));
        cache.image_with("dead2", fill);
        let layer = snapshot(&cache.layer_with("layer", fill));
        for (name, hidden) in [("x", "tmp-gc-sha256-x"), ("y", "tmp-gc-dead-sha256-y")] {
            fs::rename(cache.image_with(name, fill), cache.path(hidden)).unwrap();
        }
        fs::rename(cache.image_with("back", fill), cache.path("tmp-gc-sha256-back")).unwrap();
        cache.tag("example.com/back:1", "back");
        // As a pull leaves it: its layers can be told from those of other images.
        touch(&cache.path("tmp-gc-sha256-back"));
        cache.dangling("example.com/gone:1", "gone");
        for name in ["tmp-rootfs-1", "layers/tmp-layer-1"] {
            tree(&cache.path(name), &canary);
        }
        let canary = snapshot(&canary);
        Self { cache, live, layer, canary, orphan, old }
    }

    /// A directory outside that even its owner may not enter.
    fn closed(cache: &TestCache) -> PathBuf {
        cache.home().join("canary/closed")
    }

    /// What holds at every instant, whatever has happened to a collection.
    pub fn check(&self, when: &str) {
        let cache = &self.cache;
        assert_eq!(snapshot(&cache.home().join("canary")), self.canary, "{when}: outside");
        assert_eq!(snapshot(&cache.path("sha256-live")), self.live, "{when}: a live image");
        assert_eq!(snapshot(&cache.path("layers/sha256-layer")), self.layer, "{when}: a layer");
        for name in ["dead1", "dead2", "x", "back"] {
            self.check_whole(&format!("sha256-{name}"), when);
            self.check_whole(&format!("tmp-gc-sha256-{name}"), when);
        }
        let old = snapshot(&cache.path("layers/sha256-old"));
        assert!(old.is_empty() || old == self.old, "{when}: a dead layer is half there");
        let list = run(cache, &["list", "--no-sizes"]);
        assert_eq!((list.code, list.err.as_str()), (0, ""), "{when}");
    }

    /// What holds at every instant of a purge. A collection that comes between brings nothing back
    /// that is not whole.
    pub fn check_purged(&self, when: &str) {
        let cache = &self.cache;
        assert_eq!(snapshot(&cache.home().join("canary")), self.canary, "{when}: outside");
        run(cache, &["gc", "-q"]);
        for name in ["dead1", "dead2", "x", "back"] {
            self.check_whole(&format!("sha256-{name}"), when);
            self.check_whole(&format!("tmp-gc-sha256-{name}"), when);
        }
        let live = snapshot(&cache.path("sha256-live"));
        assert!(live.is_empty() || live == self.live, "{when}: a live image is half there");
    }

    /// An entry is whole, or not there under this name.
    fn check_whole(&self, name: &str, when: &str) {
        let found = snapshot(&self.cache.path(name));
        assert!(found.is_empty() || found == self.orphan, "{when}: {name} is half there");
    }

    /// Whether an image is there, under its own name or hidden.
    pub fn has(&self, name: &str) -> bool {
        ["", "tmp-gc-"].iter().any(|prefix| {
            let path = self.cache.path(&format!("{prefix}sha256-{name}"));
            path.exists()
        })
    }

    /// What a collection that nobody disturbs arrives at.
    pub fn check_end(&self, when: &str) {
        self.check(when);
        assert_eq!(self.names(), ["layers", "refs", "sha256-back", "sha256-live"], "{when}");
        assert_eq!(names_in(&self.cache.path("layers")), ["sha256-layer"], "{when}");
        assert_eq!(names_in(&self.cache.path("refs")).len(), 2, "{when}");
    }

    pub fn names(&self) -> Vec<String> {
        names_in(&self.cache.dir())
    }
}

/// Or nobody but root could remove the temporary directory.
impl Drop for Scene {
    fn drop(&mut self) {
        let opened = fs::Permissions::from_mode(0o700);
        // A test that has failed may have lost it.
        fs::set_permissions(Self::closed(&self.cache), opened).unwrap_or_default();
    }
}

/// Two images, one of which has three refs and is to go.
pub struct NamedImages {
    pub cache: TestCache,
    whole: Snapshot,
}

pub const RM: [&str; 3] = ["rm", "--force", "sha256:chosen"];

impl NamedImages {
    pub fn new() -> Self {
        let cache = TestCache::new();
        cache.live("kept");
        cache.image("chosen");
        (1..=3).for_each(|n| drop(cache.tag(&format!("example.com/chosen:{n}"), "chosen")));
        let whole = snapshot(&cache.dir());
        Self { cache, whole }
    }

    /// Looks whether the image is whole or not there, runs a collection, and looks whether it is there
    /// then with all its refs, or gone with them. Tells which.
    pub fn check_after_gc(&self, when: &str) -> bool {
        let (cache, whole) = (&self.cache, &self.whole);
        let image = snapshot(&cache.path("sha256-chosen"));
        assert!(image.is_empty() || image == below(whole, "sha256-chosen"), "{when}: half there");
        run(cache, &["gc"]).ok();
        let left = snapshot(&cache.dir());
        assert_eq!(below(&left, "sha256-kept"), below(whole, "sha256-kept"), "{when}: the other");
        let is_there = cache.path("sha256-chosen").exists();
        match is_there {
            true => assert_eq!(&left, whole, "{when}"),
            false => {
                let refs = names_in(&cache.path("refs")).len();
                assert_eq!((names_in(&cache.dir()).len(), refs), (2, 1), "{when}");
            }
        }
        is_there
    }
}

/// What lies at and below a name.
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

/// A small tree with what is delicate to remove.
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
