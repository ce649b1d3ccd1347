//! The owner of a cache, played step by step on real trees, with the births that a real file system
//! gives them. What was made of what is kept beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::TestCache;
use crate::support::cache::{USED, age, hash};

/// Longer than a tick of the kernel's coarse clock, which births come from.
pub const TICK: Duration = Duration::from_millis(11);

pub struct Owner {
    pub cache: TestCache,
    /// The layers of each image, by the names of their directories.
    made_of: BTreeMap<String, BTreeSet<String>>,
    extractions: u32,
}

/// A pull on its way.
pub struct Pull {
    reference: String,
    image: String,
    layers: Vec<String>,
    rootfs: PathBuf,
    step: usize,
}

impl Owner {
    pub fn new() -> Self {
        Self::of(TestCache::new())
    }

    pub fn of(cache: TestCache) -> Self {
        for folder in ["layers", "refs"] {
            fs::create_dir(cache.path(folder)).unwrap();
        }
        Self { cache, made_of: BTreeMap::new(), extractions: 0 }
    }

    /// The same owner in a copy of its cache.
    pub fn copied_to(&self, cache: TestCache) -> Self {
        Self { cache, made_of: self.made_of.clone(), extractions: 1000 }
    }

    /// Pulls the image `image`, which is made of these layers, from beginning to end.
    pub fn pull(&mut self, reference: &str, image: &str, layers: &[&str]) {
        let mut pull = self.begin(reference, image, layers);
        while self.advance(&mut pull) {}
        std::thread::sleep(TICK);
    }

    pub fn begin(&mut self, reference: &str, image: &str, layers: &[&str]) -> Pull {
        self.extractions += 1;
        let rootfs = self.cache.path(&format!("tmp-rootfs-{}", self.extractions));
        fs::create_dir(&rootfs).unwrap();
        let layers = layers.iter().map(|layer| format!("sha256-{layer}")).collect();
        let (reference, image) = (reference.to_owned(), format!("sha256-{image}"));
        Pull { reference, image, layers, rootfs, step: 0 }
    }

    /// One step: each layer is touched or extracted, then each is touched and applied, then come
    /// rename, ref and config. Whether there is another.
    pub fn advance(&mut self, pull: &mut Pull) -> bool {
        let (count, step) = (pull.layers.len(), pull.step);
        let image = self.cache.path(&pull.image);
        pull.step += 1;
        match step {
            step if step < count => self.have(&pull.layers[step]),
            step if step < 2 * count => {
                let layer = self.layer(&pull.layers[step - count]);
                touch(&layer);
                copy(&layer, &pull.rootfs);
            }
            step if step == 2 * count => {
                match fs::rename(&pull.rootfs, &image) {
                    Ok(()) => {
                        let layers = pull.layers.iter().cloned().collect();
                        self.made_of.insert(pull.image.clone(), layers);
                    }
                    Err(_) => fs::remove_dir_all(&pull.rootfs).unwrap(),
                }
                touch(&image);
            }
            step if step == 2 * count + 1 => self.tag(&pull.reference, &pull.image),
            _ => {
                fs::write(image.join(".oci-config.json"), "{}").unwrap();
                return false;
            }
        }
        true
    }

    fn have(&mut self, layer: &str) {
        let path = self.layer(layer);
        if path.exists() {
            return touch(&path);
        }
        self.extractions += 1;
        let temporary = self.cache.path(&format!("layers/tmp-layer-{}", self.extractions));
        for number in 0..6 {
            let directory = temporary.join(format!("usr/lib/{layer}/{}", number % 2));
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join(format!("f{number}")), vec![b'x'; number * 100]).unwrap();
        }
        // What every layer has, and the last one that is applied leaves.
        fs::create_dir_all(temporary.join("etc")).unwrap();
        fs::write(temporary.join("etc/release"), layer).unwrap();
        std::thread::sleep(TICK);
        fs::rename(temporary, path).unwrap();
    }

    /// Makes a reference point at an image, by the name of its directory.
    pub fn tag(&self, reference: &str, image: &str) {
        let line = format!("{reference}\t{}\n", image.replacen('-', ":", 1));
        fs::write(self.ref_file(reference), line).unwrap();
    }

    pub fn untag(&self, reference: &str) {
        // There may be none.
        fs::remove_file(self.ref_file(reference)).unwrap_or_default();
    }

    /// Makes an orphan look old, so that no collection waits for its ref.
    pub fn forget(&self, image: &str) {
        age(&self.cache.path(image), USED);
    }

    /// Somebody runs an image.
    pub fn use_image(&self, image: &str) {
        touch(&self.cache.path(image));
    }

    fn ref_file(&self, reference: &str) -> PathBuf {
        self.cache.path("refs").join(hash(reference))
    }

    pub fn layer(&self, layer: &str) -> PathBuf {
        self.cache.path("layers").join(layer)
    }

    /// All images that have ever been made.
    pub fn images(&self) -> Vec<String> {
        self.made_of.keys().cloned().collect()
    }

    /// The layers of all images that are there and named by a ref.
    pub fn needed(&self) -> BTreeSet<String> {
        let refs = fs::read_dir(self.cache.path("refs")).unwrap();
        let lines = refs.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let live = lines.map(|line| line.trim().rsplit_once('\t').unwrap().1.replacen(':', "-", 1));
        let live = live.filter(|image| self.cache.path(image).exists());
        live.filter_map(|image| self.made_of.get(&image)).flatten().cloned().collect()
    }

    /// The layers that are there.
    pub fn layers(&self) -> BTreeSet<String> {
        layers_in(&self.cache.dir())
    }
}

pub fn layers_in(cache: &Path) -> BTreeSet<String> {
    let layers = fs::read_dir(cache.join("layers")).unwrap();
    let names = layers.map(|layer| layer.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("sha256-")).collect()
}

/// As the owner does it: with the time of the clock that everybody reads.
fn touch(path: &Path) {
    File::open(path).unwrap().set_modified(SystemTime::now()).unwrap();
}

/// Copies what is in a layer over what is there.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
