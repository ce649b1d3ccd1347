//! [`TestCache`]: image caches for tests, benches and the demo, laid out as their owner does it: in its
//! order, with its modes.
//!
//! # Ages
//!
//! An image has two times that rules read: its modification (mtime) is its last use and can be set; its
//! birth is when its pull began and can *not* be set. Whatever the owner makes is born no later than it
//! was used. So there are three ways to make something old, and each is good for other rules:
//!
//! - **Back-dated** ([`age`], [`TestCache::unused_for`], and what [`TestCache::image`] and
//!   [`TestCache::layer`] make): only the last use is set back. The image is then born *after* it, as
//!   one that was copied with `cp -a` or restored, and its births say nothing: nobody can tell which
//!   layers it was made of, nor that it is newer than another. That is fine wherever a rule reads the
//!   last use alone: what is recent, `--keep-recent`, `--unused-for`, the order of `--max-size`,
//!   `LAST USED`; and for an old build, of which only the last use is compared with the birth of a
//!   newer one.
//! - **Pulled just now** ([`TestCache::live`], [`TestCache::pull`]): its births are true. For rules that
//!   read those: layers, and what is newer than what. Options such as `--keep-recent` and `--temp-age`
//!   with times of no more than seconds, or [`TestCache::unused_for`] on the *other* image, make the
//!   difference.
//! - **Pulled just now, and looked at [`later`]**: time passes for everything alike, as in life. That
//!   needs no setting of times, but the library: give it to `Conditions::at`.
//!
//! A ref's mtime is the last use of the reference, too. It is rewritten in place, so its birth stays
//! where it is, which nobody reads: [`age`] does all there is to do. The same holds for the folder
//! `refs`, whose birth matters: back-date *images* to make it look young beside them.

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

/// How long ago an image was used last, unless a test says otherwise: less than an hour before its
/// refs were made, or they would be doubted.
pub const USED: Duration = Duration::from_secs(1800);

/// An image cache in a temporary directory that is removed with it.
///
/// Beside the cache lies a canary, [`TestCache::outside`], to which every symlink of a test leads
/// that is to lead out of the cache: a broken program must harm nothing but this test's own
/// directory. Whether the canary is as it was is checked when the cache goes, so every test checks
/// it.
pub struct TestCache {
    home: TempDir,
    /// The canary as it was made.
    made_outside: Vec<Found>,
}

/// A path of the canary: its mode, when it was modified, and what is in it.
type Found = (PathBuf, u32, SystemTime, Vec<u8>);

impl TestCache {
    /// A cache directory with nothing in it.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// The same in memory, where the system has a place for that: for trees that are big to make, in
    /// tests that are not about a disk; and for sizes to the byte, where no files may share data.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    /// The same on a file system of which a test needs something.
    pub fn on(place: &Path) -> Self {
        Self::below(place)
    }

    fn below(place: &Path) -> Self {
        let home = tempfile::Builder::new().prefix("bbox-cache-").tempdir_in(place).unwrap();
        make_folder(&home.path().join("images"));
        let outside = home.path().join(OUTSIDE);
        fs::create_dir_all(outside.join("closed")).unwrap();
        // A remover opens up what does not allow its owner to remove things.
        fs::set_permissions(outside.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::write(outside.join("precious"), "not of the cache").unwrap();
        let made_outside = everything(&outside);
        Self { home, made_outside }
    }

    /// The directory around the cache, for what must not be touched.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A directory with content beside the cache that no program may change: where symlinks lead.
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

    /// An orphan of a few files, last used half an hour ago: see [`TestCache::image_with`]. Its digest
    /// is `sha256:<name>`.
    pub fn image(&self, name: &str) -> PathBuf {
        self.image_with(name, |top| small_tree(top, &self.outside()))
    }

    /// An orphan with what `fill` puts into it, last used half an hour ago: it is back-dated, so its
    /// births say nothing. There are refs beside it, though none that names it.
    pub fn image_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.install(name, fill);
        write_config(&path);
        age(&path, USED);
        path
    }

    /// A layer of a few files.
    pub fn layer(&self, name: &str) -> PathBuf {
        self.layer_with(name, |top| small_tree(top, &self.outside()))
    }

    /// A layer with what `fill` puts into it, last used half an hour ago: it is back-dated, so nobody
    /// can tell what needs it.
    pub fn layer_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let (layers, path) = (self.path("layers"), self.path(&format!("layers/sha256-{name}")));
        make_folder(&layers);
        let temporary = make_temporary(&layers, "tmp-layer-");
        fill(&temporary);
        install(&temporary, &path).unwrap();
        age(&path, USED);
        path
    }

    /// Makes `reference` point at the image `sha256:<name>`, now.
    pub fn tag(&self, reference: &str, name: &str) -> PathBuf {
        let path = self.path("refs").join(hash(reference));
        make_folder(&self.path("refs"));
        write_in_place(&path, format!("{reference}\tsha256:{name}\n").as_bytes());
        path
    }

    /// A reference whose image is gone, and was used a minute ago.
    pub fn dangling(&self, reference: &str, name: &str) -> PathBuf {
        let path = self.tag(reference, name);
        age(&path, Duration::from_secs(60));
        path
    }

    /// Writes a ref file, whatever is in it, as if it had been there for a minute.
    pub fn raw_ref(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("refs").join(file);
        make_folder(&self.path("refs"));
        write_in_place(&path, content.as_ref());
        age(&path, Duration::from_secs(60));
        path
    }

    /// An image of a few files that was pulled just now, its ref `example.com/<name>:latest`, and
    /// nothing else.
    pub fn live(&self, name: &str) -> PathBuf {
        self.live_with(name, |top| small_tree(top, &self.outside()))
    }

    /// The same with what `fill` puts into it.
    pub fn live_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.install(name, fill);
        self.tag(&format!("example.com/{name}:latest"), name);
        write_config(&path);
        path
    }

    /// A rootfs that is made, installed and marked as used, as a pull does before it writes the ref.
    fn install(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.path(&format!("sha256-{name}"));
        make_folder(&self.path("refs"));
        let temporary = make_temporary(&self.dir(), "tmp-rootfs-");
        fill(&temporary);
        install(&temporary, &path).unwrap();
        touch(&path);
        path
    }

    /// Pulls a build of one of the owner's own images, with its layers: `sha256-codex-2`, of the layers
    /// `base` and `codex-2`. Its reference names it from now on, and an earlier build is an orphan.
    /// What is pulled later is born later: the order of calls is the order of pulls.
    pub fn pull(&self, agent: Agent, version: u32) -> PathBuf {
        Pull::begin(&self.dir(), agent.build(version)).finish()
    }

    /// Removes a ref, as the owner does after each start of a machine, before it asks the registry; it
    /// may never come to write it back.
    pub fn untag(&self, reference: &str) {
        fs::remove_file(self.path("refs").join(hash(reference))).unwrap();
    }

    /// Gives an image a config of its own, as those have that users bring along.
    pub fn configure(&self, name: &str, config: &str) {
        let file = self.path(&format!("sha256-{name}/.oci-config.json"));
        write_in_place(&file, config.as_bytes());
    }

    /// Makes an image look unused for so long. It is back-dated: its births say nothing any more.
    pub fn unused_for(&self, name: &str, by: Duration) {
        age(&self.path(&format!("sha256-{name}")), by);
    }
}

impl Drop for TestCache {
    fn drop(&mut self) {
        // One panic tells enough; another one on top of it would abort all tests.
        if !std::thread::panicking() {
            let found = everything(&self.outside());
            assert_eq!(found, self.made_outside, "something beside the cache was changed");
        }
    }
}

const OUTSIDE: &str = "outside";

/// All paths at and below one, none if there is none.
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

/// As the last step of a pull. The config says nothing, so that nothing tells what the image is: as an orphan, it may go.
fn write_config(image: &Path) {
    write_in_place(&image.join(".oci-config.json"), b"{}");
}

/// Sets the modification time of a file or directory to some time ago: its last use, and nothing else.
/// Its birth stays, and is later than that then.
pub fn age(path: &Path, by: Duration) {
    let file = File::open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

/// The time in so long, for `Conditions::at`: everything is older by that then, births included.
pub fn later(by: Duration) -> jiff::Timestamp {
    jiff::Timestamp::now().checked_add(by).unwrap()
}

/// A name like that of a ref file: 64 hexadecimal digits that depend on `text`.
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

/// A few files and directories with what makes counting hard: a hard link, a sparse file, and
/// symlinks that lead out of the tree, to `outside` and to the refs of the cache.
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

/// A tree of any shape: each step makes something in one of the directories that are there by then.
/// Its symlinks lead to `outside`.
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

/// A tree of this many levels, be it deeper than any path can lead. Each level has directories of
/// these names; the next one is in `d`.
pub fn comb(top: &Path, names: &[&str], levels: u32) {
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    let mut lowest = std::os::fd::OwnedFd::from(File::open(top).unwrap());
    for _ in 0..levels {
        names.iter().for_each(|name| mkdirat(&lowest, *name, Mode::RWXU).unwrap());
        lowest = openat(&lowest, "d", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    }
}

/// A tree like the root file system of a guest: `files` files in many directories, most of them
/// small, about 10 KiB each on the average.
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
