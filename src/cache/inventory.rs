//! The contents of the cache: one cheap pass over three folders, without walking any tree.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use rustix::io::Errno;

use super::digest::Digest;
use super::entry::{Entry, EntryKind, Leftover, classify, own_folder};
use super::entry_name::EntryName;
use super::handle::Cache;
use super::in_use::unanswering_mounts;
use super::location::{Folder, Location};
use super::refs::RefIndex;
use super::refs::SETTLE_TIME;
use crate::error::{Context, Error, Result};
use crate::fs::Status;

/// Everything in the cache, each folder sorted by name. Returned by
/// [`Cache::inventory`](super::Cache::inventory). The default is an empty cache.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// Everything but the refs: first the entries of the cache directory, then those of `layers/`.
    pub entries: Vec<Entry>,
    /// The references.
    pub refs: RefIndex,
    /// The cache's own folders that exist, except for the root.
    pub folders: Vec<Folder>,
    /// Images and layers in place that an interrupted gc has begun to remove.
    pub begun: HashSet<Location>,
    /// When `refs` was created. `None` if the file system does not record it.
    pub index_born: Option<Timestamp>,
    /// Errors about entries that could not be read and so are missing from `entries`.
    pub problems: Vec<Error>,
}

impl Inventory {
    /// The images in place with their digests, sorted by name.
    pub fn images(&self) -> impl Iterator<Item = (&Entry, &Digest)> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Image(digest) => Some((entry, digest)),
            _ => None,
        })
    }

    /// The locations of entries that do not belong to the cache.
    pub fn foreign(&self) -> impl Iterator<Item = &Location> {
        let foreign = self.entries.iter().filter(|entry| entry.kind == EntryKind::Foreign);
        foreign.map(|entry| &entry.location)
    }

    /// Whether this is definitely a cache: it contains an entry that only the owner of a cache (or
    /// this crate) would create, or it contains nothing that the owner would not. A folder `refs`
    /// alone proves little, because other programs use that name, too. Together with `layers` it is
    /// enough.
    pub fn looks_like_a_cache(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind != EntryKind::Foreign)
            || self.refs.files().any(EntryName::is_hash)
            || self.folders == [Folder::Layers, Folder::Refs]
            || (self.entries.is_empty() && self.refs.is_empty())
    }

    /// Waits up to `patience` for refs that are being written.
    pub(super) fn read(cache: &Cache, patience: Duration) -> Result<Self> {
        let mut inventory = Self::default();
        // Layers come first: a pull that has touched one of them by then is already in the root,
        // which is listed afterwards.
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
                    EntryKind::Leftover(Leftover::Hidden(_) | Leftover::Extraction)
                        if status.is_closed() =>
                    {
                        kind = EntryKind::Leftover(Leftover::Dead);
                    }
                    _ => {}
                }
                let (last_used, changed) = (status.modified(), status.changed());
                self.entries.push(Entry { location, kind, last_used, changed });
            }
        }
    }

    fn list(&mut self, cache: &Cache, folder: Folder) -> Result<()> {
        let Some(directory) = cache.folder(folder)? else { return Ok(()) };
        let mut names = Vec::new();
        let path = folder.path_in(cache.path());
        directory.for_each(|name, _| names.push(EntryName::from(name))).context("list", path)?;
        names.sort();
        let unanswering = unanswering_mounts(cache);
        for name in names {
            let location = Location { folder, name };
            if unanswering.contains(&location) {
                let cause = std::io::Error::other("the file system mounted there may not answer");
                self.problems.push(Error::io(
                    "read the status of",
                    location.path_in(cache.path()),
                    cause,
                ));
                continue;
            }
            match directory.status_of(location.name.as_c_str()) {
                Ok(status) => self.add(location, &status),
                Err(Errno::NOENT) => {}
                Err(cause) => self.problems.push(Error::io(
                    "read the status of",
                    location.path_in(cache.path()),
                    cause,
                )),
            }
        }
        Ok(())
    }
}

impl Cache {
    /// Lists everything in the cache: one `stat` per name, without walking any tree. Waits up to
    /// half a second for refs that are being written.
    ///
    /// # Errors
    /// The cache directory cannot be listed. Other errors are in the inventory's own lists.
    pub fn inventory(&self) -> Result<Inventory> {
        Inventory::read(self, SETTLE_TIME)
    }

    /// Lists the cache without waiting for refs that are being written. Enough if only names are
    /// needed.
    ///
    /// # Errors
    /// As for [`Cache::inventory`].
    pub fn inventory_now(&self) -> Result<Inventory> {
        Inventory::read(self, Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_cache::TestCache;

    #[test]
    fn a_half_removed_entry_is_recognized_by_its_mode() {
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
}
