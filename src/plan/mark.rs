//! Reachability: which images are named by a ref.

use std::collections::HashMap;

use crate::cache::{EntryName, Ref};

/// The refs by what they name. Two digests that name the same entry are the same digest.
#[derive(Debug)]
pub struct Marks<'a>(HashMap<&'a EntryName, Vec<&'a Ref>>);

impl<'a> Marks<'a> {
    /// Marks everything that `refs` name.
    pub fn new(refs: impl IntoIterator<Item = &'a Ref>) -> Self {
        let mut marks: HashMap<_, Vec<_>> = HashMap::new();
        for found in refs {
            marks.entry(found.digest.entry_name()).or_default().push(found);
        }
        Self(marks)
    }

    /// The refs that name this entry, in the order in which they were given.
    pub fn of(&self, entry: &EntryName) -> &[&'a Ref] {
        self.0.get(entry).map_or(&[], Vec::as_slice)
    }

    /// Whether any ref names this entry.
    pub fn contains(&self, entry: &EntryName) -> bool {
        self.0.contains_key(entry)
    }
}
