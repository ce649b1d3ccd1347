//! [`TestCache`]: image caches for tests, benches and the demo, laid out the way their owner does
//! it, in the same order and with the same modes.
//!
//! # Ages
//!
//! Rules read two times of an image. Its modification time (mtime) is its last use and can be set.
//! Its birth is when its pull began and can *not* be set. Everything that the owner creates is born
//! no later than it was used. So there are three ways to make something old, each for different
//! rules:
//!
//! - **Back-dated** ([`age`], [`TestCache::unused_for`], and the results of [`TestCache::image`]
//!   and [`TestCache::layer`]): only the last use is set back. The image is then born *after* it,
//!   like one that was restored or copied with `cp -a`, and its births mean nothing: there is no
//!   way to tell which layers it was made of, or that it is newer than another. That is fine for
//!   rules that only read the last use: the grace period, `--keep-recent`, `--unused-for`, the
//!   order of `--max-size`, `LAST USED`. It is also fine for an old build, because only its last
//!   use is compared with the birth of a newer one.
//! - **Just pulled** ([`TestCache::live`], [`TestCache::pull`]): the births are true. For rules
//!   that read births: layers, and which image is newer. To make a difference, pass options such as
//!   `--keep-recent` and `--temp-age` with times of at most a few seconds, or call
//!   [`TestCache::unused_for`] on the *other* image.
//! - **Just pulled, and examined [`later`]**: time passes for everything alike, as in reality. This
//!   needs no setting of times, but works only with the library: pass it to `Conditions::at`.
//!
//! The mtime of a ref is the last use of the reference. It is rewritten in place, so its birth does
//! not change, but no rule reads that: [`age`] is all that is needed. The same holds for the folder
//! `refs`, except that its birth matters: back-date *images* to make it look young next to them.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

#[path = "agents.rs"]
pub mod agents;
#[path = "pull.rs"]
pub mod pull;

use agents::Agent;
use pull::{Pull, install, make_folder, make_temporary, touch, write_in_place};

/// How long ago an image was last used, unless a test sets something else. Less than an hour before
/// its refs were created, because otherwise they would be doubted.
pub const USED: Duration = Duration::from_secs(1800);

/// An image cache in a temporary directory that is removed with it.
///
/// Next to the cache is a canary, [`TestCache::outside`]. Every symlink in a test that should lead
/// out of the cache points there, so a broken program harms nothing but this test's own directory.
/// Dropping the cache checks that the canary is unchanged, so every test checks it.
pub struct TestCache {
    home: TempDir,
    /// The canary as it was created.
    made_outside: Vec<Found>,
}

/// A path of the canary: its mode, its modification time, and its contents.
type Found = (PathBuf, u32, SystemTime, Vec<u8>);

impl TestCache {
    /// An empty cache directory.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// An empty cache directory in memory, if the system supports that: for big trees in tests that
    /// are not about a disk, and for exact sizes, because files cannot share data there.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    /// An empty cache directory on a specific file system.
    pub fn on(place: &Path) -> Self {
        Self::below(place)
    }

    fn below(place: &Path) -> Self {
        let home = tempfile::Builder::new().prefix("bbox-cache-").tempdir_in(place).unwrap();
        make_folder(&home.path().join("images"));
        let outside = home.path().join(OUTSIDE);
        fs::create_dir_all(outside.join("closed")).unwrap();
        // A remover makes directories writable whose mode prevents removal.
        fs::set_permissions(outside.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::write(outside.join("precious"), "not of the cache").unwrap();
        let made_outside = everything(&outside);
        Self { home, made_outside }
    }

    /// The directory around the cache, for files that must not be touched.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A directory with contents next to the cache that no program may change. Symlinks point
    /// there.
    pub fn outside(&self) -> PathBuf {
        self.home.path().join(OUTSIDE)
    }

    /// The cache directory.
    pub fn dir(&self) -> PathBuf {
        self.home.path().join("images")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// An orphan with a few files, last used half an hour ago: see [`TestCache::image_with`]. Its
    /// digest is `sha256:<name>`.
    pub fn image(&self, name: &str) -> PathBuf {
        self.image_with(name, |top| small_tree(top, &self.outside()))
    }

    /// An orphan with contents created by `fill`, last used half an hour ago. It is back-dated, so
    /// its births mean nothing. The cache has refs, but none points to it.
    pub fn image_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.install(name, fill);
        write_config(&path);
        age(&path, USED);
        path
    }

    /// A layer with a few files.
    pub fn layer(&self, name: &str) -> PathBuf {
        self.layer_with(name, |top| small_tree(top, &self.outside()))
    }

    /// A layer with contents created by `fill`, last used half an hour ago. It is back-dated, so
    /// there is no way to tell which image needs it.
    pub fn layer_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let (layers, path) = (self.path("layers"), self.path(&format!("layers/sha256-{name}")));
        make_folder(&layers);
        let temporary = make_temporary(&layers, "tmp-layer-");
        fill(&temporary);
        install(&temporary, &path).unwrap();
        age(&path, USED);
        path
    }

    /// Points `reference` to the image `sha256:<name>`, now.
    pub fn tag(&self, reference: &str, name: &str) -> PathBuf {
        let path = self.path("refs").join(hash(reference));
        make_folder(&self.path("refs"));
        write_in_place(&path, format!("{reference}\tsha256:{name}\n").as_bytes());
        path
    }

    /// A dangling reference that was used a minute ago.
    pub fn dangling(&self, reference: &str, name: &str) -> PathBuf {
        let path = self.tag(reference, name);
        age(&path, Duration::from_secs(60));
        path
    }

    /// Writes a ref file with any contents, as if it had been there for a minute.
    pub fn raw_ref(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("refs").join(file);
        make_folder(&self.path("refs"));
        write_in_place(&path, content.as_ref());
        age(&path, Duration::from_secs(60));
        path
    }

    /// An image with a few files that was just pulled, its ref `example.com/<name>:latest`, and
    /// nothing else.
    pub fn live(&self, name: &str) -> PathBuf {
        self.live_with(name, |top| small_tree(top, &self.outside()))
    }

    /// An image with contents created by `fill` that was just pulled, and its ref
    /// `example.com/<name>:latest`.
    pub fn live_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.install(name, fill);
        self.tag(&format!("example.com/{name}:latest"), name);
        write_config(&path);
        path
    }

    /// Creates, installs and marks a rootfs, as a pull does before it writes the ref.
    fn install(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.path(&format!("sha256-{name}"));
        make_folder(&self.path("refs"));
        let temporary = make_temporary(&self.dir(), "tmp-rootfs-");
        fill(&temporary);
        install(&temporary, &path).unwrap();
        touch(&path);
        path
    }

    /// Pulls a build of one of the owner's own images with its layers: `sha256-codex-2` has the
    /// layers `base` and `codex-2`. Its reference then points to it, and an earlier build becomes
    /// an orphan. A later pull is born later, so the order of calls is the order of pulls.
    pub fn pull(&self, agent: Agent, version: u32) -> PathBuf {
        Pull::begin(&self.dir(), agent.build(version)).finish()
    }

    /// Removes a ref, as the owner does after each start of a machine before it asks the registry.
    /// It may never write the ref back.
    pub fn untag(&self, reference: &str) {
        fs::remove_file(self.path("refs").join(hash(reference))).unwrap();
    }

    /// Gives an image its own config, like images that users provide.
    pub fn configure(&self, name: &str, config: &str) {
        let file = self.path(&format!("sha256-{name}/.oci-config.json"));
        write_in_place(&file, config.as_bytes());
    }

    /// Makes an image look unused for this long. It is back-dated, so its births mean nothing any
    /// more.
    pub fn unused_for(&self, name: &str, by: Duration) {
        age(&self.path(&format!("sha256-{name}")), by);
    }
}

impl Drop for TestCache {
    fn drop(&mut self) {
        // One panic is enough. A second one would abort all tests.
        if !std::thread::panicking() {
            let found = everything(&self.outside());
            assert_eq!(found, self.made_outside, "something outside the cache was changed");
        }
    }
}

const OUTSIDE: &str = "outside";

/// All paths at and below one. Empty if there are none.
fn everything(top: &Path) -> Vec<Found> {
    let (mut found, mut todo) = (Vec::new(), vec![top.to_owned()]);
    while let Some(path) = todo.pop() {
        let Ok(status) = path.symlink_metadata() else { continue };
        let content = match status.is_dir() {
            true => {
                todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                Vec::new()
            }
            false => fs::read(&path).unwrap(),
        };
        found.push((path, status.permissions().mode(), status.modified().unwrap(), content));
    }
    found.sort();
    found
}

/// The last step of a pull. The config is empty, so that nothing identifies the image and it may be
/// removed as an orphan.
fn write_config(image: &Path) {
    write_in_place(&image.join(".oci-config.json"), b"{}");
}

/// Sets back the modification time of a file or directory: its last use, and nothing else. Its
/// birth is then later than its last use.
pub fn age(path: &Path, by: Duration) {
    let file = File::open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

/// A time in the future, for `Conditions::at`: everything is that much older then, including
/// births.
pub fn later(by: Duration) -> jiff::Timestamp {
    jiff::Timestamp::now().checked_add(by).unwrap()
}

/// A name like that of a ref file: 64 hex digits derived from `text`.
pub fn hash(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    (0..4u8)
        .map(|part| {
            let mut hasher = DefaultHasher::new();
            (part, text).hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        })
        .collect()
}

/// A few files and directories that are hard to count: a hard link, a sparse file, and symlinks
/// that lead out of the tree, to `outside` and to the refs of the cache.
pub fn small_tree(top: &Path, outside: &Path) {
    fs::create_dir_all(top.join("usr/lib/deep/er")).unwrap();
    for (name, bytes) in [("usr/a", 1), ("usr/b", 5_000), ("usr/lib/c", 70_000), ("empty", 0)] {
        fs::write(top.join(name), vec![b'x'; bytes]).unwrap();
    }
    fs::hard_link(top.join("usr/b"), top.join("usr/lib/deep/b")).unwrap();
    File::create(top.join("usr/sparse")).unwrap().set_len(10 << 20).unwrap();
    symlink(outside, top.join("usr/lib/out")).unwrap();
    symlink("../../../../../refs", top.join("usr/lib/deep/er/up")).unwrap();
}

/// A tree of any shape: each step adds an entry to one of the existing directories. Its symlinks
/// point to `outside`.
pub fn grow(top: &Path, outside: &Path, steps: &[(usize, u8)]) {
    let (mut directories, mut file) = (vec![top.to_owned()], None);
    for (number, &(place, kind)) in steps.iter().enumerate() {
        let path = directories[place % directories.len()].join(format!("n{number}"));
        match (kind % 6, &file) {
            (0, Some(file)) => fs::hard_link(file, path).unwrap(),
            (0 | 1, _) => {
                fs::write(&path, vec![b'x'; place % 10_000]).unwrap();
                file = Some(path);
            }
            (2, _) => symlink(outside, path).unwrap(),
            _ => {
                fs::create_dir(&path).unwrap();
                directories.push(path);
            }
        }
    }
}

/// A tree with this many levels, possibly deeper than any path can reach. Each level has
/// directories with these names, and the next level is in `d`.
pub fn comb(top: &Path, names: &[&str], levels: u32) {
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    let mut lowest = std::os::fd::OwnedFd::from(File::open(top).unwrap());
    for _ in 0..levels {
        names.iter().for_each(|name| mkdirat(&lowest, *name, Mode::RWXU).unwrap());
        lowest = openat(&lowest, "d", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    }
}

/// A tree like the root file system of a guest: `files` files in many directories, most of them
/// small, about 10 KiB on average.
pub fn rootfs(top: &Path, files: u32) {
    let content = vec![b'#'; 256 * 1024];
    for number in 0..files {
        let directory = top.join(format!("usr/lib/p{}/m{}", number / 64, number / 8 % 8));
        if number % 8 == 0 {
            fs::create_dir_all(&directory).unwrap();
        }
        let length = match number % 32 {
            0 => 160 * 1024,
            n if n % 8 == 1 => 24 * 1024,
            n => 600 * (n as usize % 8),
        };
        let mut file = File::create(directory.join(format!("f{number}.js"))).unwrap();
        file.write_all(&content[..length]).unwrap();
    }
}
