//! When images and layers were made: what the birth times on disk say.
//!
//! Nothing says which layers an image was made of, but a pull makes things in an order. It begins
//! with the directory that will be the image, and ends with that image's `.oci-config.json`; every
//! layer that it uses is made before that, and touched meanwhile. What follows from these times is
//! for [`plan`](crate::plan) to say; here they are only read.

use std::collections::HashMap;

use jiff::Timestamp;
use rustix::io::{Errno, Result};

use super::{Cache, Entry, EntryKind, Folder, Inventory, Location};
use crate::directory::Directory;

/// A birth, where the file system knows it.
type Birth = Option<Timestamp>;

/// When images, extractions and layers were made, as far as it could be looked at.
#[derive(Clone, Debug, Default)]
pub struct Lifetimes {
    /// When something was last put into each folder, or taken from it.
    pub(crate) folders: HashMap<Folder, Timestamp>,
    pub(crate) images: HashMap<Location, ImageTimes>,
    pub(crate) layers: HashMap<Location, LayerTimes>,
}

/// Of an image, or of an extraction that will be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageTimes {
    pub born: Birth,
    /// Of its `.oci-config.json`; missing as long as it is not finished.
    pub config: Option<ConfigTimes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConfigTimes {
    pub born: Birth,
    pub modified: Timestamp,
}

/// Of a layer's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerTimes {
    pub born: Birth,
    /// When the last of the names directly in it was made; its own birth, if there are none.
    pub filled: Birth,
}

impl Cache {
    /// Reads when everything in `inventory` was made. What cannot be looked at is missing then.
    pub fn lifetimes(&self, inventory: &Inventory) -> Lifetimes {
        let mut found = Lifetimes::default();
        for folder in [Folder::Root, Folder::Layers] {
            let Ok(Some(directory)) = self.folder(folder) else { continue };
            if let Ok(status) = directory.status() {
                found.folders.insert(folder, status.modified());
            }
            let entries = inventory.entries.iter().filter(|entry| entry.location.folder == folder);
            entries.for_each(|entry| found.read(&directory, entry));
        }
        found
    }
}

impl Lifetimes {
    fn read(&mut self, folder: &Directory, entry: &Entry) {
        // Whoever misses it says so, and does not trust what is not here.
        let Ok(directory) = folder.open_folder(entry.location.name.as_c_str()) else { return };
        let place = entry.location.clone();
        match (&entry.kind, entry.location.folder) {
            (EntryKind::Image(_) | EntryKind::Leftover(_), Folder::Root) => {
                self.images.extend(image_times(&directory).ok().map(|times| (place, times)));
            }
            (EntryKind::Layer(_), _) => {
                self.layers.extend(layer_times(&directory).ok().map(|times| (place, times)));
            }
            _ => {}
        }
    }
}

fn image_times(image: &Directory) -> Result<ImageTimes> {
    const CONFIG: &std::ffi::CStr = c".oci-config.json";
    let config = match image.status_of(CONFIG) {
        Ok(status) => Some(ConfigTimes { born: image.born(CONFIG)?, modified: status.modified() }),
        Err(Errno::NOENT) => None,
        Err(cause) => return Err(cause),
    };
    Ok(ImageTimes { born: image.born(c".")?, config })
}

fn layer_times(layer: &Directory) -> Result<LayerTimes> {
    let born = layer.born(c".")?;
    let (mut filled, mut failure) = (born, None);
    layer.for_each(|name, _| match layer.born(name) {
        Ok(child) => filled = filled.max(child),
        Err(Errno::NOENT) => {}
        Err(cause) => failure = Some(cause),
    })?;
    failure.map_or(Ok(LayerTimes { born, filled }), Err)
}
