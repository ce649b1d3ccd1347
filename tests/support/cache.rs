//! [`TestCache`]: image caches for tests, benches and the demo, laid out as their owner does it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

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
        fs::create_dir(home.path().join("images")).unwrap();
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

    /// An image of a few files, last used half an hour ago. Its digest is `sha256:<name>`.
    pub fn image(&self, name: &str) -> PathBuf {
        self.image_with(name, |top| small_tree(top, &self.outside()))
    }

    /// An image with what `fill` puts into it, last used half an hour ago. There are refs beside it,
    /// though none that names it.
    pub fn image_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.path(&format!("sha256-{name}"));
        fs::create_dir(&path).unwrap();
        fs::create_dir_all(self.path("refs")).unwrap();
        fill(&path);
        fs::write(path.join(".oci-config.json"), r#"{"Entrypoint":["/bin/agent"]}"#).unwrap();
        age(&path, USED);
        path
    }

    /// A layer of a few files.
    pub fn layer(&self, name: &str) -> PathBuf {
        self.layer_with(name, |top| small_tree(top, &self.outside()))
    }

    /// A layer with what `fill` puts into it, last used half an hour ago.
    pub fn layer_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let path = self.path(&format!("layers/sha256-{name}"));
        fs::create_dir_all(&path).unwrap();
        fill(&path);
        age(&path, USED);
        path
    }

    /// Makes `reference` point at the image `sha256:<name>`.
    pub fn tag(&self, reference: &str, name: &str) -> PathBuf {
        self.raw_ref(&hash(reference), format!("{reference}\tsha256:{name}\n"))
    }

    /// Writes a ref file, whatever is in it, as if it had been there for a minute.
    pub fn raw_ref(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::create_dir_all(self.path("refs")).unwrap();
        let path = self.path("refs").join(file);
        fs::write(&path, content).unwrap();
        age(&path, Duration::from_secs(60));
        path
    }

    /// A live image, its ref `example.com/<name>:latest`, and nothing else.
    pub fn live(&self, name: &str) -> PathBuf {
        self.tag(&format!("example.com/{name}:latest"), name);
        self.image(name)
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

/// Sets the modification time of a file or directory to some time ago.
pub fn age(path: &Path, by: Duration) {
    let file = File::open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
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
