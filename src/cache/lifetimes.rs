//! When images and layers were created, according to the birth times on disk.
//!
//! Nothing records which layers an image was extracted from, but a pull creates things in a fixed
//! order. It starts with the directory that becomes the image and ends with that image's
//! `.oci-config.json`. Every layer that it uses is created before that, and touched in between.
//! Conclusions are left to [`plan`](crate::plan); this module only reads the times.

use std::collections::HashMap;

use jiff::Timestamp;
use rustix::io::Errno;

use super::config::CONFIG_FILE;
use super::entry::{Entry, EntryKind};
use super::handle::Cache;
use super::inventory::Inventory;
use super::location::{Folder, Location};
use crate::error::{Context, Error, Result};
use crate::fs::Directory;

/// A birth time. `None` if the file system does not record it.
type Birth = Option<Timestamp>;

/// When images, extractions and layers were created, as far as known. Used by
/// [`Timeline`](crate::plan::Timeline) and [`Evidence`](crate::plan::Evidence). By default nothing
/// is known.
#[derive(Debug, Default)]
pub struct Lifetimes {
    /// When an entry was last added to or removed from each folder.
    pub(crate) folders: HashMap<Folder, Timestamp>,
    pub(crate) images: HashMap<Location, ImageTimes>,
    pub(crate) layers: HashMap<Location, LayerTimes>,
    /// Errors about entries that could not be read.
    pub problems: Vec<Error>,
}

/// The times of an image, or of an extraction that will become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageTimes {
    pub born: Birth,
    /// The times of its `.oci-config.json`. `None` until the image is complete.
    pub config: Option<ConfigTimes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConfigTimes {
    pub born: Birth,
    pub modified: Timestamp,
}

/// The times of a layer's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerTimes {
    pub born: Birth,
    /// When the last of its direct children was created. Its own birth if it has none.
    pub filled: Birth,
}

impl Cache {
    /// Reads when everything in `inventory` was created. Unreadable entries are left out and
    /// reported in `problems`.
    pub fn lifetimes(&self, inventory: &Inventory) -> Lifetimes {
        let mut found = Lifetimes::default();
        for folder in [Folder::Root, Folder::Layers] {
            if let Err(problem) = found.read(self, inventory, folder) {
                found.problems.push(problem);
            }
        }
        found
    }
}

impl Lifetimes {
    /// When an image was created, which is when its pull began. `None` if the file system does not
    /// record it, or the image could not be read.
    pub fn born(&self, image: &Location) -> Option<Timestamp> {
        self.images.get(image)?.born
    }

    /// When the pull of an image began: its birth, unless its config is older. In that case the
    /// image is a copy that has been used since, and its birth says nothing about the original.
    pub fn pulled(&self, image: &Location) -> Option<Timestamp> {
        let times = self.images.get(image)?;
        let is_copy = |born: &Timestamp| times.config.is_some_and(|config| config.modified < *born);
        times.born.filter(|born| !is_copy(born))
    }

    fn read(&mut self, cache: &Cache, inventory: &Inventory, folder: Folder) -> Result<()> {
        let Some(directory) = cache.folder(folder)? else { return Ok(()) };
        let status =
            directory.status().context("read the status of", folder.path_in(cache.path()))?;
        self.folders.insert(folder, status.modified());
        let entries = inventory.entries.iter().filter(|entry| entry.location.folder == folder);
        // The times of an entry that is no longer whole mean nothing.
        let entries = entries.filter(|entry| !inventory.begun.contains(&entry.location));
        for entry in entries {
            match self.read_entry(&directory, entry) {
                // Gone in the meantime, or a layer that is a file, which has no times of interest.
                Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(cause) => {
                    let path = entry.location.path_in(cache.path());
                    self.problems.push(Error::io("read the status of", path, cause));
                }
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, folder: &Directory, entry: &Entry) -> rustix::io::Result<()> {
        let open = || folder.open_folder(entry.location.name.as_c_str());
        let place = entry.location.clone();
        if entry.is_rootfs() {
            self.images.insert(place, image_times(&open()?)?);
        } else if matches!(entry.kind, EntryKind::Layer(_)) {
            self.layers.insert(place, layer_times(&open()?)?);
        }
        Ok(())
    }
}

fn image_times(image: &Directory) -> rustix::io::Result<ImageTimes> {
    let config = match image.status_of(CONFIG_FILE) {
        Ok(status) => {
            Some(ConfigTimes { born: image.born(CONFIG_FILE)?, modified: status.modified() })
        }
        Err(Errno::NOENT) => None,
        Err(cause) => return Err(cause),
    };
    Ok(ImageTimes { born: image.born(c".")?, config })
}

fn layer_times(layer: &Directory) -> rustix::io::Result<LayerTimes> {
    let born = layer.born(c".")?;
    let (mut filled, mut failure) = (born, None);
    layer.for_each(|name, _| match layer.born(name) {
        Ok(child) => filled = filled.max(child),
        Err(Errno::NOENT) => {}
        Err(cause) => failure = Some(cause),
    })?;
    failure.map_or(Ok(LayerTimes { born, filled }), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::EntryName;

    #[test]
    fn a_config_older_than_its_image_reveals_a_copy() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let image = Location { folder: Folder::Root, name: EntryName::new("sha256-a").unwrap() };
        for (born, written, expected) in [
            (Some(2), Some(3), Some(2)),
            (Some(2), Some(2), Some(2)),
            (Some(2), Some(1), None),
            (Some(2), None, Some(2)),
            (None, Some(3), None),
        ] {
            let config = written.map(|second| ConfigTimes { born: None, modified: at(second) });
            let times = ImageTimes { born: born.map(at), config };
            let images = HashMap::from([(image.clone(), times)]);
            let found = Lifetimes { images, ..Lifetimes::default() }.pulled(&image);
            assert_eq!(found, expected.map(at), "{born:?} {written:?}");
        }
    }
}
