//! A sample of a layer's files, and the images that have the same.
//!
//! Times say which layers an image cannot be made of. That is proof as long as no clock was set in a
//! way that leaves no trace. So before a layer goes, some of its files are looked up in the images
//! that stay: if one of them has all of them, with equal kinds and sizes, it may be made of that
//! layer after all. The other way round it says nothing: a later layer may have replaced the files.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::io::Result;

use super::{Cache, Folders, Location};
use crate::fs::{Directory, Kind};

/// How many files are looked up.
const SAMPLES: usize = 64;
/// How often a file is looked for, since a directory may be empty.
const ATTEMPTS: u64 = 4 * SAMPLES as u64;
/// How deep files are looked for.
const DEPTH: usize = 64;
/// What a file that removes another one from the layers below is called.
const WHITEOUT: &[u8] = b".wh.";

/// A file of a layer, or a symlink.
struct Sample {
    path: Vec<CString>,
    kind: Kind,
    size: u64,
}

impl Cache {
    /// The first of `images` that has a sample of a layer's files, for each of `layers`; nothing for
    /// a layer that none has. A layer without files is in no image. What cannot be read is not there.
    /// Up to 64 files of each layer are looked up, the same ones each time.
    pub fn same_content(
        &self,
        layers: &[Location],
        images: &[Location],
    ) -> HashMap<Location, Location> {
        let folders = Folders::open(self);
        // What cannot be opened has no times either, and nothing is concluded from those it has not.
        let open = |at: &Location| {
            let folder = folders.get(at.folder).ok().flatten()?;
            folder.open_folder(at.name.as_c_str()).ok()
        };
        let images: Vec<_> = images.iter().filter_map(|at| Some((at, open(at)?))).collect();
        let same = layers.iter().filter_map(|layer| {
            let samples = samples(&open(layer)?, seed(layer));
            let has_all = |image: &Directory| samples.iter().all(|sample| sample.is_in(image));
            let mut images = images.iter().filter(|_| !samples.is_empty());
            let (image, _) = images.find(|(_, image)| has_all(image))?;
            Some((layer.clone(), (*image).clone()))
        });
        same.collect()
    }
}

/// The same sample each time, so that a dry run and a real one agree.
fn seed(layer: &Location) -> u64 {
    let mut hasher = DefaultHasher::new();
    layer.hash(&mut hasher);
    hasher.finish()
}

fn samples(layer: &Directory, seed: u64) -> Vec<Sample> {
    let attempts = (0..ATTEMPTS).filter_map(|attempt| {
        let mut hasher = DefaultHasher::new();
        (seed, attempt).hash(&mut hasher);
        // What cannot be read is no part of a sample.
        descend(layer, hasher.finish()).ok().flatten()
    });
    attempts.take(SAMPLES).collect()
}

/// Goes down from `top`, at each step into one of the names by chance, until it has come to a file.
fn descend(top: &Directory, mut chance: u64) -> Result<Option<Sample>> {
    let (mut directory, mut path) = (top.open_folder(c".")?, Vec::new());
    while path.len() < DEPTH {
        let Some(name) = choose(&directory, chance)? else { return Ok(None) };
        let status = directory.status_of(&name)?;
        let child = (status.kind == Kind::Directory).then(|| directory.open_child(&name));
        path.push(name);
        match (child, status.kind) {
            (Some(child), _) => (directory, _) = child?,
            (None, kind @ (Kind::File | Kind::Symlink)) => {
                return Ok(Some(Sample { path, kind, size: status.size }));
            }
            (None, _) => return Ok(None),
        }
        chance = chance.rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    Ok(None)
}

/// One of the names in a directory, whatever the order in which they are listed.
fn choose(directory: &Directory, chance: u64) -> Result<Option<CString>> {
    let mut names = Vec::new();
    directory.for_each(|name, _| {
        if !name.to_bytes().starts_with(WHITEOUT) {
            names.push(name.to_owned());
        }
    })?;
    names.sort_unstable();
    let place = names.len().checked_sub(1).map(|last| chance % (last as u64 + 1));
    Ok(place.map(|place| names.swap_remove(place as usize)))
}

impl Sample {
    fn is_in(&self, image: &Directory) -> bool {
        let Some((name, above)) = self.path.split_last() else { return false };
        let Ok(directory) = enter(image, above) else { return false };
        let found = directory.status_of(name);
        found.is_ok_and(|found| found.kind == self.kind && found.size == self.size)
    }
}

fn enter(top: &Directory, path: &[CString]) -> Result<Directory> {
    let into = |directory: Directory, name: &CString| -> Result<Directory> {
        let name: &CStr = name;
        Ok(directory.open_child(name)?.0)
    };
    path.iter().try_fold(top.open_folder(c".")?, into)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::cache::{EntryName, Folder};
    use crate::test_cache::TestCache;

    fn at(folder: Folder, name: &str) -> Location {
        Location { folder, name: EntryName::new(name).unwrap() }
    }

    /// The images that a layer `l` is found in.
    fn found(cache: &TestCache, images: &[&str]) -> Option<String> {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let layer = at(Folder::Layers, "sha256-l");
        let images: Vec<_> = images.iter().map(|name| at(Folder::Root, name)).collect();
        let same = opened.same_content(std::slice::from_ref(&layer), &images);
        same.get(&layer).map(ToString::to_string)
    }

    fn fill(top: &Path) {
        fs::create_dir_all(top.join("usr/lib/empty")).unwrap();
        for number in 0..40 {
            fs::write(top.join(format!("usr/lib/f{number}")), vec![b'x'; number]).unwrap();
        }
        std::os::unix::fs::symlink("lib", top.join("usr/link")).unwrap();
    }

    #[test]
    fn a_layer_is_in_an_image_only_if_every_file_of_the_sample_is() {
        type Change = (fn(&Path), bool);
        let changes: [Change; 6] = [
            (|_| {}, true),
            (|top| fs::write(top.join("usr/more"), "of another layer").unwrap(), true),
            (|top| fs::remove_dir_all(top.join("usr/lib")).unwrap(), false),
            (
                |top| {
                    (0..40).for_each(|n| fs::write(top.join(format!("usr/lib/f{n}")), "").unwrap())
                },
                false,
            ),
            (|top| fs::remove_file(top.join("usr/link")).unwrap(), false),
            (
                |top| {
                    fs::rename(top.join("usr"), top.join("opt")).unwrap();
                    std::os::unix::fs::symlink("opt", top.join("usr")).unwrap();
                },
                false,
            ),
        ];
        for (number, (change, expected)) in changes.into_iter().enumerate() {
            let cache = TestCache::new();
            cache.layer_with("l", |top| {
                fill(top);
                fs::write(top.join("usr/.wh.gone"), "").unwrap();
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    top.join("fifo"),
                    rustix::fs::FileType::Fifo,
                    rustix::fs::Mode::RUSR,
                    0,
                )
                .unwrap();
            });
            cache.image_with("other", |top| fs::create_dir(top.join("usr")).unwrap());
            cache.image_with("a", |top| {
                fill(top);
                change(top);
            });
            let image = found(&cache, &["sha256-gone", "sha256-other", "sha256-a"]);
            assert_eq!(image.as_deref(), expected.then_some("sha256-a"), "{number}");
        }
    }

    #[test]
    fn a_layer_without_files_is_in_no_image() {
        let cache = TestCache::new();
        cache.layer_with("l", |top| fs::create_dir_all(top.join("a/b/c")).unwrap());
        cache.image_with("a", |top| fs::create_dir_all(top.join("a/b/c")).unwrap());
        assert_eq!(found(&cache, &["sha256-a"]), None);
    }
}
