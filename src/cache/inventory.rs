//! What lies in the cache: one cheap pass over three folders, no tree is walked.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use rustix::io::Errno;

use super::ref_file::SETTLED_AGE;
use super::trash_name::{TRASH_PREFIX, TrashStage, former_name};
use super::{Cache, Digest, EntryName, Folder, Location, RefIndex};
use crate::error::{Context, Error, Result};
use crate::fs::{Kind, Status};

/// What an entry is, told by its name and its kind alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// An extracted image: a directory `sha256-*`.
    Image(Digest),
    /// An extracted layer: a directory or file `layers/sha256-*`.
    Layer(Digest),
    /// What an extraction or a collection left, or still works on: `tmp-rootfs-*`,
    /// `layers/tmp-layer-*` and `tmp-gc-*`.
    Leftover(Leftover),
    /// None of these. Shown, and never touched but by a purge.
    Foreign,
}

/// Whose leftover it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leftover {
    /// The owner's: an extraction in progress, or one that died.
    Extraction,
    /// Ours: a whole image that an interrupted collection had hidden, and not begun to remove.
    Hidden(Digest),
    /// Ours: what is left of an entry that an interrupted collection had begun to remove.
    Dead,
}

/// Something that lies in the cache: a name, and what one `stat` tells of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Where it lies.
    pub location: Location,
    /// What it is.
    pub kind: EntryKind,
    /// Its modification time: the owner sets it to now whenever it uses an image or a layer.
    pub last_used: Timestamp,
}

impl Entry {
    /// The digest that a leftover of an interrupted collection was called by.
    pub fn former_digest(&self) -> Option<Digest> {
        former_name(&self.location.name)?.1
    }

    /// Whether an interrupted collection has left it.
    pub fn is_interrupted_gc(&self) -> bool {
        matches!(self.kind, EntryKind::Leftover(Leftover::Hidden(_) | Leftover::Dead))
    }

    /// Whether it was changed within two seconds of `now`: then its owner may be about to write the
    /// ref that names it.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_used).unsigned_abs() < SETTLED_AGE
    }

    /// What a ref calls it, if it is an image: a hidden one, too, is called by its digest.
    pub fn ref_name(&self) -> &EntryName {
        match &self.kind {
            EntryKind::Leftover(Leftover::Hidden(digest)) => digest.entry_name(),
            _ => &self.location.name,
        }
    }

    /// Whether it is a whole image, be it hidden, or an extraction that will be one.
    pub fn is_rootfs(&self) -> bool {
        match &self.kind {
            EntryKind::Image(_) | EntryKind::Leftover(Leftover::Hidden(_)) => true,
            EntryKind::Leftover(Leftover::Extraction) => self.location.folder == Folder::Root,
            EntryKind::Leftover(Leftover::Dead) | EntryKind::Layer(_) | EntryKind::Foreign => false,
        }
    }

    /// Whether it is an extraction, in progress or dead.
    pub fn is_extraction(&self) -> bool {
        self.kind == EntryKind::Leftover(Leftover::Extraction)
    }
}

/// All that lies in the cache, each folder by name: the answer of
/// [`Cache::inventory`](super::Cache::inventory). By default, there is nothing.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// Everything but the refs: first what lies in the cache directory, then what lies in `layers/`.
    pub entries: Vec<Entry>,
    /// The refs.
    pub refs: RefIndex,
    /// The folders that are there, besides the root.
    pub folders: Vec<Folder>,
    /// Images and layers that an interrupted collection had begun to remove in their places.
    pub begun: HashSet<Location>,
    /// When `refs` was made, where the file system knows.
    pub index_born: Option<Timestamp>,
    /// What could not be looked at, and so is not among the entries.
    pub problems: Vec<Error>,
}

impl Inventory {
    /// The images in their places with their digests, by name.
    pub fn images(&self) -> impl Iterator<Item = (&Entry, &Digest)> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Image(digest) => Some((entry, digest)),
            _ => None,
        })
    }

    /// Where the things lie that are not the cache's own.
    pub fn foreign(&self) -> impl Iterator<Item = &Location> {
        let foreign = self.entries.iter().filter(|entry| entry.kind == EntryKind::Foreign);
        foreign.map(|entry| &entry.location)
    }

    /// Whether this is a cache beyond doubt: either something lies in it that only the owner of a
    /// cache (or this crate) would put there, or nothing lies in it that the owner would not. A
    /// folder `refs` alone says little: other programs use that word, too. With `layers` beside it,
    /// it is enough.
    pub fn looks_like_a_cache(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind != EntryKind::Foreign)
            || self.refs.files().any(EntryName::is_hash)
            || self.folders == [Folder::Layers, Folder::Refs]
            || (self.entries.is_empty() && self.refs.is_empty())
    }

    /// Whether somebody seems to be writing a ref for an image right now: the owner renames an
    /// image into its place before it writes the ref, and in between a good image has none.
    pub(super) fn is_unsettled(&self, now: Timestamp) -> bool {
        let named: HashSet<_> = self.refs.refs.iter().map(|r| r.digest.entry_name()).collect();
        let is_named = |image: &Entry| named.contains(&image.location.name);
        let is_begun = |image: &Entry| self.begun.contains(&image.location);
        let mut fresh = self.images().map(|(image, _)| image).filter(|image| image.is_fresh(now));
        fresh.any(|image| !is_named(image) && !is_begun(image))
    }

    /// Waits with `patience` for refs that are being written.
    pub(super) fn read(cache: &Cache, patience: Duration) -> Result<Self> {
        let mut inventory = Self::default();
        // Layers first: then whoever has touched one of them by now is seen in the root.
        if let Err(problem) = inventory.list(cache, Folder::Layers) {
            inventory.problems.push(problem);
        }
        let layers = inventory.entries.len();
        inventory.list(cache, Folder::Root)?;
        inventory.entries.rotate_left(layers);
        inventory.refs = cache.refs_with(patience);
        inventory.index_born = cache.index_born();
        Ok(inventory)
    }

    fn add(&mut self, location: Location, status: &Status) {
        match own_folder(&location, status.kind) {
            Some(folder) => self.folders.push(folder),
            None => {
                let mut kind = classify(location.folder, &location.name, status.kind);
                match kind {
                    EntryKind::Image(_) | EntryKind::Layer(_) if status.is_closed() => {
                        self.begun.insert(location.clone());
                    }
                    // It is no longer whole.
                    EntryKind::Leftover(Leftover::Hidden(_)) if status.is_closed() => {
                        kind = EntryKind::Leftover(Leftover::Dead);
                    }
                    _ => {}
                }
                self.entries.push(Entry { location, kind, last_used: status.modified() });
            }
        }
    }

    fn list(&mut self, cache: &Cache, folder: Folder) -> Result<()> {
        let Some(directory) = cache.folder(folder)? else { return Ok(()) };
        let mut names = Vec::new();
        let path = folder.path_in(cache.path());
        directory.for_each(|name, _| names.push(EntryName::from(name))).context("list", path)?;
        names.sort();
        for name in names {
            let location = Location { folder, name };
            match directory.status_of(location.name.as_c_str()) {
                Ok(status) => self.add(location, &status),
                Err(Errno::NOENT) => {}
                Err(cause) => {
                    self.problems.push(Error::io("look at", location.path_in(cache.path()), cause))
                }
            }
        }
        Ok(())
    }
}

/// The folder of the cache that a name stands for, if it is one.
fn own_folder(location: &Location, kind: Kind) -> Option<Folder> {
    let own = [Folder::Layers, Folder::Refs];
    let is_it = |folder: &Folder| folder.name().as_bytes() == location.name.as_bytes();
    let is_possible = location.folder == Folder::Root && kind == Kind::Directory;
    own.into_iter().find(is_it).filter(|_| is_possible)
}

fn classify(folder: Folder, name: &EntryName, kind: Kind) -> EntryKind {
    let directory = kind == Kind::Directory;
    let is_entry = directory || (folder == Folder::Layers && kind == Kind::File);
    let digest = Digest::of_entry(name).filter(|_| is_entry);
    match (digest, folder) {
        (Some(digest), Folder::Root) => EntryKind::Image(digest),
        (Some(digest), _) => EntryKind::Layer(digest),
        (None, _) if is_entry && name.starts_with(TRASH_PREFIX) => {
            EntryKind::Leftover(interrupted(name, folder))
        }
        (None, _) if directory && name.starts_with(extraction_prefix(folder)) => {
            EntryKind::Leftover(Leftover::Extraction)
        }
        (None, _) => EntryKind::Foreign,
    }
}

/// What the owner calls an extraction in this folder.
fn extraction_prefix(folder: Folder) -> &'static str {
    match folder {
        Folder::Root => "tmp-rootfs-",
        Folder::Layers | Folder::Refs => "tmp-layer-",
    }
}

/// How far an interrupted collection had come with the entry that is now called `name`.
fn interrupted(name: &EntryName, folder: Folder) -> Leftover {
    match former_name(name) {
        Some((TrashStage::Hidden, Some(digest))) if folder == Folder::Root => {
            Leftover::Hidden(digest)
        }
        _ => Leftover::Dead,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_cache::TestCache;

    #[test]
    fn what_was_half_removed_in_place_is_known_by_its_mode() {
        let cache = TestCache::new();
        let hidden = cache.path("tmp-gc-sha256-b");
        fs::rename(cache.image("b"), &hidden).unwrap();
        let paths = [cache.image("a"), cache.layer("l"), hidden];
        let set = |mode| {
            let set = |path| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            paths.iter().for_each(set);
        };
        for (mode, begun, is_whole) in [(0o300, 2, false), (0o000, 0, true), (0o755, 0, true)] {
            set(mode);
            let opened = Cache::open(cache.dir()).unwrap().unwrap();
            let inventory = opened.inventory_now().unwrap();
            assert_eq!(inventory.begun.len(), begun, "{mode:o}");
            let kinds = inventory.entries.iter().map(|entry| &entry.kind);
            let hidden =
                kinds.filter(|kind| matches!(kind, EntryKind::Leftover(Leftover::Hidden(_))));
            assert_eq!(hidden.count() == 1, is_whole, "{mode:o}");
        }
    }

    #[test]
    fn a_fresh_image_without_a_ref_is_unsettled_for_two_seconds() {
        let location = Location { folder: Folder::Root, name: EntryName::new("sha256-a").unwrap() };
        let kind = EntryKind::Image(Digest::of_entry(&location.name).unwrap());
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut inventory = Inventory {
            entries: vec![Entry { location, kind, last_used: at(1000) }],
            ..Inventory::default()
        };
        let unsettled = |inventory: &Inventory| {
            [990, 999, 1000, 1001, 1002, 1010].map(|second| inventory.is_unsettled(at(second)))
        };
        assert_eq!(unsettled(&inventory), [false, true, true, true, false, false]);
        let (file, digest) = (EntryName::new("r").unwrap(), Digest::parse(b"sha256:a").unwrap());
        inventory.refs.refs.push(super::super::Ref {
            file,
            image: None,
            digest,
            modified: at(1000),
        });
        assert_eq!(unsettled(&inventory), [false; 6]);
    }

    #[test]
    fn name_folder_and_kind_decide_what_an_entry_is() {
        use Kind::{Directory, File, Special, Symlink};
        let of = |folder, name: &str, kind| {
            let location = Location { folder, name: EntryName::new(name).unwrap() };
            match (own_folder(&location, kind), classify(folder, &location.name, kind)) {
                (Some(_), _) => "folder",
                (_, EntryKind::Image(_)) => "image",
                (_, EntryKind::Layer(_)) => "layer",
                (_, EntryKind::Leftover(Leftover::Extraction)) => "extraction",
                (_, EntryKind::Leftover(Leftover::Hidden(_))) => "hidden",
                (_, EntryKind::Leftover(Leftover::Dead)) => "dead",
                (_, EntryKind::Foreign) => "stranger",
            }
        };
        for (name, kind, in_root, in_layers) in [
            ("sha256-ab", Directory, "image", "layer"),
            ("sha256-", Directory, "image", "layer"),
            ("sha256-ab", File, "stranger", "layer"),
            ("sha256-ab", Symlink, "stranger", "stranger"),
            ("sha256-ab", Special, "stranger", "stranger"),
            ("sha512-ab", Directory, "stranger", "stranger"),
            ("tmp-rootfs-1", Directory, "extraction", "stranger"),
            ("tmp-layer-1", Directory, "stranger", "extraction"),
            ("tmp-1", Directory, "stranger", "stranger"),
            ("tmp-rootfs-1", Symlink, "stranger", "stranger"),
            ("tmp-rootfs-1", File, "stranger", "stranger"),
            ("tmp-gc-sha256-ab", Directory, "hidden", "dead"),
            ("tmp-gc-dead-sha256-ab", Directory, "dead", "dead"),
            ("tmp-gc-notes", Directory, "dead", "dead"),
            ("tmp-gc-sha256-ab", File, "stranger", "dead"),
            ("tmp-gc-sha256-ab", Symlink, "stranger", "stranger"),
            ("refs", Directory, "folder", "stranger"),
            ("layers", Directory, "folder", "stranger"),
            ("layers", Symlink, "stranger", "stranger"),
            ("notes.txt", File, "stranger", "stranger"),
        ] {
            assert_eq!(of(Folder::Root, name, kind), in_root, "{name} {kind:?}");
            assert_eq!(of(Folder::Layers, name, kind), in_layers, "layers/{name} {kind:?}");
        }
    }
}
