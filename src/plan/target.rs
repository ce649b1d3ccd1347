//! Plans that continue until enough space is available on the file system.
//!
//! How much a removal frees is only certain afterwards: files outside the cache may share the data,
//! and other programs write and remove files, too. So the plan contains everything that may have to
//! be removed, judged by the lower bounds of what that frees, and is carried out in parts. The
//! first part removes what would be removed anyway. Each further part removes, cheapest first, what
//! is still missing by the upper bounds. It starts only if the file system still reports too little
//! space.

use std::collections::HashMap;

use bytesize::ByteSize;

use super::decision::{Decision, Item};
use super::reason::{KeepReason, Verdict};
use crate::cache::{Folder, Location};

/// The space to reach on the file system, and the items that may be removed for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Bytes that must be available to the user.
    pub available: ByteSize,
    /// Bytes that will certainly be available after the whole plan, unless something else takes
    /// them.
    pub predicted: ByteSize,
    /// The items that may be removed, cheapest first, each with its decision if it is kept.
    pub(super) stays: Vec<Decision>,
    turns: HashMap<Location, usize>,
}

impl Target {
    pub(super) fn new(available: ByteSize, predicted: ByteSize, stays: Vec<Decision>) -> Self {
        let locations = stays.iter().map(|stays| stays.item.location().clone());
        let turns = locations.zip(0..).collect();
        Self { available, predicted, stays, turns }
    }

    /// The item's position in the order of removal, if it is removed for the target. References go
    /// with their image.
    pub(super) fn turn(&self, decision: &Decision) -> Option<usize> {
        match &decision.item {
            Item::Entry(entry) => self.turns.get(&entry.location).copied(),
            Item::Ref { digest: Some(digest), .. } if decision.verdict.is_policy() => {
                let name = digest.entry_name().clone();
                self.turns.get(&Location { folder: Folder::Root, name }).copied()
            }
            Item::Ref { .. } => None,
        }
    }

    /// The decision about an item that is kept after all.
    pub(super) fn stays(&self, decision: &Decision) -> Decision {
        match self.turns.get(decision.item.location()) {
            Some(&turn) => self.stays[turn].clone(),
            None => Decision { verdict: Verdict::Keep(KeepReason::Referenced), ..decision.clone() },
        }
    }
}
