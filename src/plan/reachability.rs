//! Which images have a reference, and which references point at nothing.

use std::collections::{HashMap, HashSet};

use crate::cache::{EntryKind, EntryName, Folder, Inventory, Leftover, Ref};

/// References by the image that they point at. Digests with the same entry name count as the same
/// digest.
#[derive(Debug)]
pub struct Reachability<'a>(HashMap<&'a EntryName, Vec<&'a Ref>>);

impl<'a> Reachability<'a> {
    /// Groups `refs` by the images that they point at.
    pub fn new(refs: impl IntoIterator<Item = &'a Ref>) -> Self {
        let mut marks: HashMap<_, Vec<_>> = HashMap::new();
        for found in refs {
            marks.entry(found.digest.entry_name()).or_default().push(found);
        }
        Self(marks)
    }

    /// The refs that point at this entry, in the order given.
    pub fn get(&self, entry: &EntryName) -> &[&'a Ref] {
        self.0.get(entry).map_or(&[], Vec::as_slice)
    }

    /// Whether any ref points at this entry.
    pub fn contains(&self, entry: &EntryName) -> bool {
        self.0.contains_key(entry)
    }
}

/// The refs that point at nothing. Empty if any part of the cache was unreadable: the image might
/// be there. A hidden image is not gone, and if something else has taken the image's name, judging
/// that is up to the owner of the cache.
pub fn dangling(inventory: &Inventory) -> impl Iterator<Item = &Ref> {
    let taken = names(inventory);
    let refs = inventory.refs.refs.iter().filter(|_| inventory.problems.is_empty());
    refs.filter(move |found| !taken.contains(found.digest.entry_name()))
}

/// All names that a ref may point at.
fn names(inventory: &Inventory) -> HashSet<EntryName> {
    let entries = inventory.entries.iter().filter(|entry| entry.location.folder == Folder::Root);
    let entries = entries.flat_map(|entry| {
        let hidden = match &entry.kind {
            EntryKind::Leftover(Leftover::Hidden(digest)) => Some(digest.entry_name().clone()),
            _ => None,
        };
        hidden.into_iter().chain([entry.location.name.clone()])
    });
    let folders = inventory.folders.iter().filter_map(|folder| EntryName::new(folder.name()));
    entries.chain(folders).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Digest, Entry, Location};
    use crate::error::Error;

    #[test]
    fn only_a_ref_to_nothing_at_all_dangles() {
        let digest = Digest::parse(b"sha256:a").unwrap();
        let of = |name: &str, kind: EntryKind, folder| {
            let location = Location { folder, name: EntryName::new(name).unwrap() };
            Entry::used_at(location, kind, jiff::Timestamp::MIN)
        };
        let (image, hidden) = (EntryKind::Image(digest.clone()), Leftover::Hidden(digest.clone()));
        for (entries, is_dangling) in [
            (vec![], true),
            (vec![of("sha256-a", image, Folder::Root)], false),
            (vec![of("sha256-a", EntryKind::Foreign, Folder::Root)], false),
            (vec![of("tmp-gc-sha256-a", EntryKind::Leftover(hidden), Folder::Root)], false),
            (
                vec![of("tmp-gc-dead-sha256-a", EntryKind::Leftover(Leftover::Dead), Folder::Root)],
                true,
            ),
            (vec![of("sha256-a", EntryKind::Layer(digest.clone()), Folder::Layers)], true),
        ] {
            let shown = format!("{entries:?}");
            let mut inventory = Inventory { entries, ..Inventory::default() };
            let (file, digest) = (EntryName::new("r").unwrap(), digest.clone());
            let modified = jiff::Timestamp::MIN;
            inventory.refs.refs.push(Ref { file, image: None, digest, modified });
            assert_eq!(dangling(&inventory).count(), usize::from(is_dangling), "{shown}");
            inventory.problems.push(Error::Interrupted);
            assert_eq!(dangling(&inventory).count(), 0);
        }
    }
}
