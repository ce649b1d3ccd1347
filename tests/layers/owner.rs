//! The owner of a cache, simulated step by step on real trees, with births from a real file system.
//! Also records which layers each image was made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::TestCache;
pub use crate::support::cache::pull::TICK;
use crate::support::cache::pull::{Pull, Request, make_folder, touch, truncate, write_in_place};
use crate::support::cache::{USED, age, agents, hash};

/// The owner itself drops images that were not used for a week.
const UNWANTED: Duration = Duration::from_secs(8 * 86_400);

pub struct Owner {
    pub cache: TestCache,
    /// The layers of each image, by directory name.
    made_of: BTreeMap<String, BTreeSet<String>>,
}

impl Owner {
    /// An owner with a cache on disk, for tests that depend on the disk.
    pub fn new() -> Self {
        Self::on(TestCache::new())
    }

    pub fn on(cache: TestCache) -> Self {
        ["layers", "refs"].iter().for_each(|folder| make_folder(&cache.path(folder)));
        Self { cache, made_of: BTreeMap::new() }
    }

    /// The same owner with a copy of its cache.
    pub fn copied_to(&self, cache: TestCache) -> Self {
        Self { cache, made_of: self.made_of.clone() }
    }

    /// Pulls the image `image`, made of these layers, from beginning to end.
    pub fn pull(&mut self, reference: &str, image: &str, layers: &[&str]) {
        self.begin(reference, image, layers).finish();
    }

    /// Begins a pull that asks the registry. The ref is missing until the pull ends.
    pub fn begin(&mut self, reference: &str, image: &str, layers: &[&str]) -> Pull {
        let names = layers.iter().map(|layer| format!("sha256-{layer}"));
        self.made_of.insert(format!("sha256-{image}"), names.collect());
        let request = Request {
            reference: reference.to_owned(),
            image: image.to_owned(),
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
            extract: fill,
            config: agents::config(&[]),
        };
        Pull::begin(&self.cache.dir(), request)
    }

    /// A machine is started from a reference: the reference is rewritten in place, and its image is
    /// marked as used if it exists.
    pub fn start(&self, reference: &str) {
        let file = self.ref_file(reference);
        let Ok(line) = fs::read_to_string(&file) else { return };
        write_in_place(&file, line.as_bytes());
        let Some(image) = named(&line).map(|image| self.cache.path(&image)) else { return };
        if image.is_dir() {
            touch(&image);
        }
    }

    /// A machine was started on a full disk some time ago: the ref was truncated and is still
    /// empty.
    pub fn start_on_a_full_disk(&self, reference: &str) {
        let file = self.ref_file(reference);
        if file.exists() {
            drop(truncate(&file));
            age(&file, USED);
        }
    }

    /// Points a reference to an image, given by its directory name.
    pub fn tag(&self, reference: &str, image: &str) {
        self.cache.tag(reference, image.trim_start_matches("sha256-"));
    }

    /// Removes a ref, as each start of a machine does until the registry has answered, which may
    /// never happen.
    pub fn untag(&self, reference: &str) {
        // There may be none.
        fs::remove_file(self.ref_file(reference)).unwrap_or_default();
    }

    /// Makes an orphan look unused for a while, so that gc does not wait for its ref. Only its last
    /// use is meaningful after that, because the image is back-dated.
    pub fn forget(&self, image: &str) {
        self.cache.unused_for(image.trim_start_matches("sha256-"), UNWANTED);
    }

    pub fn ref_file(&self, reference: &str) -> PathBuf {
        self.cache.path("refs").join(hash(reference))
    }

    pub fn layer(&self, layer: &str) -> PathBuf {
        self.cache.path("layers").join(layer)
    }

    /// All images ever requested.
    pub fn images(&self) -> Vec<String> {
        self.made_of.keys().cloned().collect()
    }

    /// The layers of all existing images with a ref.
    pub fn needed(&self) -> BTreeSet<String> {
        let refs = fs::read_dir(self.cache.path("refs")).unwrap();
        let lines = refs.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let live = lines.filter_map(|line| named(&line));
        let live = live.filter(|image| self.cache.path(image).exists());
        live.filter_map(|image| self.made_of.get(&image)).flatten().cloned().collect()
    }

    /// The layers that exist.
    pub fn layers(&self) -> BTreeSet<String> {
        layers_in(&self.cache.dir())
    }
}

/// The image directory that a ref points to. `None` for a ref emptied by a full disk.
fn named(line: &str) -> Option<String> {
    Some(line.trim().rsplit_once('\t')?.1.replacen(':', "-", 1))
}

pub fn layers_in(cache: &Path) -> BTreeSet<String> {
    let layers = fs::read_dir(cache.join("layers")).unwrap();
    let names = layers.map(|layer| layer.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("sha256-")).collect()
}

/// Creates the contents of a layer.
fn fill(layer: &str, top: &Path) {
    for number in 0..6 {
        let directory = top.join(format!("usr/lib/sha256-{layer}/{}", number % 2));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("f{number}")), vec![b'x'; number * 100]).unwrap();
    }
    // A file that every layer has. In an image, the one of the last applied layer remains.
    fs::create_dir_all(top.join("etc")).unwrap();
    fs::write(top.join("etc/release"), format!("sha256-{layer}")).unwrap();
}
