//! What may go, and why.
//!
//! A plan is a list of decisions, one for each thing in the cache, each with its reason. Whoever
//! only wants to know prints the plan; whoever wants it done gives the very same plan to
//! [`sweep`](crate::sweep). Everything here is a function of its arguments: nothing is read from
//! disk, and no clock is asked.

mod activity;
mod chosen;
mod conditions;
mod dangling;
mod decide;
mod doubt;
mod fit;
#[cfg(test)]
mod history_tests;
mod index;
mod layers;
mod likeness;
mod mark;
#[cfg(test)]
mod plan_tests;
mod policy;
#[cfg(test)]
mod policy_tests;
mod purge;
mod reason;
mod timeline;
#[cfg(test)]
mod timeline_tests;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::cache::{
    Digest, Entry, EntryKind, EntryName, Leftover, Location, User, former_ref_file,
};
use crate::usage::{Estimate, Measurement, Usage};

pub use activity::Activity;
pub use chosen::remove_chosen;
pub use conditions::Conditions;
pub use dangling::dangling;
pub use doubt::IndexDoubt;
pub use fit::{evictable, fit};
pub use layers::{LayerChoice, SameContent};
pub use likeness::Likeness;
pub use mark::Marks;
pub use policy::collect;
pub use purge::purge;
pub use reason::{KeepReason, RemoveReason, Verdict};
pub use timeline::{Doubt, DoubtCause, Standing, Timeline};

/// Something that a decision is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// An image, layer, leftover or stranger.
    Entry(Entry),
    /// A file in `refs/`.
    Ref {
        /// Where it lies.
        location: Location,
        /// What it points at, if it is a whole ref.
        digest: Option<Digest>,
    },
}

impl Item {
    /// Where it lies.
    pub fn location(&self) -> &Location {
        match self {
            Self::Entry(entry) => &entry.location,
            Self::Ref { location, .. } => location,
        }
    }

    /// The digest that it is called by, or that it points at.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Entry(entry) => match &entry.kind {
                EntryKind::Image(digest) | EntryKind::Layer(digest) => Some(digest),
                EntryKind::Leftover(_) | EntryKind::Stranger => None,
            },
            Self::Ref { digest, .. } => digest.as_ref(),
        }
    }

    /// The name that a ref brings it back to or keeps it at, if it is a whole image.
    pub fn image_name(&self) -> Option<&EntryName> {
        match self {
            Self::Entry(entry) => match &entry.kind {
                EntryKind::Image(digest) | EntryKind::Leftover(Leftover::Hidden(digest)) => {
                    Some(digest.entry_name())
                }
                _ => None,
            },
            Self::Ref { .. } => None,
        }
    }

    /// The name that a restored thing gets back: that of an image, or of a ref file.
    pub(crate) fn own_name(&self) -> Option<EntryName> {
        match self {
            Self::Entry(_) => self.image_name().cloned(),
            Self::Ref { location, .. } => former_ref_file(&location.name),
        }
    }

    /// Whether it is a layer.
    pub fn is_layer(&self) -> bool {
        matches!(self, Self::Entry(Entry { kind: EntryKind::Layer(_), .. }))
    }

    /// Whether it is an image under its own name.
    pub fn is_image_in_place(&self) -> bool {
        self.image_name() == Some(&self.location().name)
    }
}

/// One thing, and what is to be done with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decision {
    /// What it is about.
    pub item: Item,
    /// What is to be done with it, and why.
    pub verdict: Verdict,
    /// The references that name it; `None` for a ref in the old form, which does not say. They are not
    /// safe to print.
    pub refs: Vec<Option<String>>,
    /// The processes that use it, as far as was asked.
    pub users: Vec<User>,
    /// Where something is mounted in it, if that is why it stays.
    pub mount: Option<PathBuf>,
    /// Where it stands, if it is a layer.
    pub standing: Option<Standing>,
    /// How big it is, if it was measured: see [`Plan::note_usage`].
    pub usage: Option<Usage>,
}

/// A decision for each thing in the cache. By default, there are none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Plan {
    /// The decisions, by kind and name.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// The decisions to remove something, with their places in the plan.
    pub fn removals(&self) -> impl Iterator<Item = (usize, &Decision)> {
        self.decisions.iter().enumerate().filter(|(_, decision)| decision.verdict.removes())
    }

    /// The places in the plan of everything that does not simply stay.
    pub(crate) fn changes(&self) -> Vec<usize> {
        let stays = |decision: &Decision| matches!(decision.verdict, Verdict::Keep(_));
        (0..self.decisions.len()).filter(|&index| !stays(&self.decisions[index])).collect()
    }

    /// Layers that nothing which stays can be made of, as far as their times say; whether they are to
    /// go or not.
    pub fn unreferenced_layers(&self) -> impl Iterator<Item = &Location> {
        let layers = self.decisions.iter();
        let layers = layers.filter(|decision| decision.standing == Some(Standing::Unreferenced));
        layers.map(|decision| decision.item.location())
    }

    /// The images that stay, and the extractions that will be images.
    pub fn staying_rootfs(&self) -> impl Iterator<Item = &Entry> {
        let staying = self.decisions.iter().filter(|decision| !decision.verdict.removes());
        staying.filter_map(|decision| match &decision.item {
            Item::Entry(entry) if entry.is_rootfs() => Some(entry),
            _ => None,
        })
    }

    /// Where the things to be removed lie, in the order of [`Plan::removals`].
    pub fn doomed(&self) -> Vec<Location> {
        self.removals().map(|(_, decision)| decision.item.location().clone()).collect()
    }

    /// Where the things lie that are not the cache's own.
    pub fn strangers(&self) -> impl Iterator<Item = &Location> {
        self.decisions.iter().filter_map(|decision| match &decision.item {
            Item::Entry(Entry { kind: EntryKind::Stranger, location, .. }) => Some(location),
            _ => None,
        })
    }

    /// The layers that could go, if the user had asked for that.
    pub fn left_layers(&self) -> impl Iterator<Item = &Decision> {
        let left = Verdict::Keep(KeepReason::Unreferenced);
        self.decisions.iter().filter(move |decision| decision.verdict == left)
    }

    /// Where everything else lies that may hold the same data as what is `chosen`.
    pub fn entries_besides(&self, chosen: &HashSet<&Location>) -> Vec<Location> {
        let items = self.decisions.iter().map(|decision| &decision.item);
        let entries = items.filter(|item| matches!(item, Item::Entry(_))).map(Item::location);
        entries.filter(|location| !chosen.contains(location)).cloned().collect()
    }

    /// Notes how big the things to be removed are: `measurement` is of [`Plan::doomed`], and perhaps
    /// of more behind it. Returns the bytes on disk that removing all that is doomed gives back.
    ///
    /// # Panics
    /// `measurement` is of fewer trees.
    pub fn note_usage(&mut self, measurement: &Measurement) -> Estimate {
        let doomed = self.decisions.iter_mut().filter(|decision| decision.verdict.removes());
        let mut trees = 0;
        for (tree, decision) in doomed.enumerate() {
            decision.usage = Some(measurement.usage(tree));
            trees = tree + 1;
        }
        measurement.reclaimable(0..trees)
    }
}
