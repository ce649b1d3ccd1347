//! Reachability: which images a reference points at, and which references point at nothing.

use std::collections::{HashMap, HashSet};

use crate::cache::{EntryKind, EntryName, Folder, Inventory, Leftover, Ref};

/// The references by the images that they point at. Two digests that name the same entry are the same digest.
#[derive(Debug)]
pub struct Reachability<'a>(HashMap<&'a EntryName, Vec<&'a Ref>>);

impl<'a> Reachability<'a> {
    /// Reachability everything that `refs` name.
    pub fn new(refs: impl IntoIterator<Item = &'a Ref>) -> Self {
        let mut marks: HashMap<_, Vec<_>> = HashMap::new();
        for found in refs {
            marks.entry(found.digest.entry_name()).or_default().push(found);
        }
        Self(marks)
    }

    /// The refs that name this entry, in the order in which they were given.
    pub fn get(&self, entry: &EntryName) -> &[&'a Ref] {
        self.0.get(entry).map_or(&[], Vec::as_slice)
    }

    /// Whether any ref names this entry.
    pub fn contains(&self, entry: &EntryName) -> bool {
        self.0.contains_key(entry)
    }
}

/// The refs that name nothing. None, if something in the cache could not be looked at: it might be
/// what they name. An image that a collection has hidden is not gone, and a name that is taken by
/// something else is for the owner of the cache to judge.
pub fn dangling(inventory: &Inventory) -> impl Iterator<Item = &Ref> {
    let taken = names(inventory);
    let refs = inventory.refs.refs.iter().filter(|_| inventory.problems.is_empty());
    refs.filter(move |found| !taken.contains(found.digest.entry_name()))
}

/// Everything that a ref could name.
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
