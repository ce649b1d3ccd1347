//! One cache on one real file system, and its surroundings.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;

use crate::content;
use crate::support::cache::age;
use crate::support::{TestCache, bbox, finish};
use crate::volume::{System, Volume, compress};

pub struct Scene<'v> {
    pub volume: &'v Volume,
    pub cache: TestCache,
    /// Files that are kept open during the removal.
    pub open: RefCell<Vec<File>>,
    /// Whether anything in the cache is compressed.
    pub is_compressed: Cell<bool>,
}

impl<'v> Scene<'v> {
    pub fn new(volume: &'v Volume) -> Self {
        let cache = TestCache::on(&volume.path());
        cache.live("live");
        Self { volume, cache, open: RefCell::default(), is_compressed: Cell::default() }
    }

    pub fn is_btrfs(&self) -> bool {
        self.volume.system == System::Btrfs
    }

    /// An orphan with this file in it. Returns the file's path.
    pub fn dead(&self, name: &str, file: &str, bytes: u64) -> PathBuf {
        self.image_with(name, |top| content::file(&top.join(file), bytes))
    }

    /// An orphan that shares everything with another image.
    pub fn dead_clone(&self, of: &str, name: &str) -> PathBuf {
        let of = self.cache.path(&format!("sha256-{of}"));
        self.image_with(name, |top| content::clone(&of, top))
    }

    /// An orphan with a compressed file. Returns `false` if the file system cannot compress.
    pub fn dead_compressed(&self) -> bool {
        if !self.is_btrfs() {
            return false;
        }
        self.is_compressed.set(true);
        self.image_with("dead", |top| {
            compress(top);
            content::text(&top.join("text"), 1 << 20);
        });
        true
    }

    pub fn image_with(&self, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        self.cache.image_with(name, fill)
    }

    /// Adds a reference to an image.
    pub fn keep(&self, name: &str) {
        self.cache.tag(&format!("example.com/{name}:1"), name);
    }

    /// A path on the same file system outside the cache.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.cache.home().join(name)
    }

    /// Creates the root file system of this microVM.
    pub fn guest(&self, vm: &str) -> PathBuf {
        let path = self.home().join(format!(".config/broodbox/vms/{vm}/data/rootfs-work"));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// The user's home directory.
    fn home(&self) -> PathBuf {
        self.outside("home")
    }

    /// The program's output as JSON.
    pub fn run(&self, arguments: &[&str]) -> serde_json::Value {
        let mut program: Command = bbox(&self.cache, arguments);
        program.args(["--format", "json"]).env("HOME", self.home());
        let run = finish(program);
        assert_eq!(run.code, 0, "{}{}", run.err, run.out);
        run.json()
    }

    /// Gives images that were changed during their creation the same age as others.
    pub fn settle(&self) {
        for entry in std::fs::read_dir(self.cache.dir()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("sha256-") {
                age(&entry.path(), Duration::from_secs(3600));
            }
        }
    }
}
