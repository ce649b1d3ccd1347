//! What a plan is made of: an item, a verdict on it, and what explains that.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::evidence::Evidence;
use super::identity::Identity;
use super::reachability::Reachability;
use super::reason::{KeepReason, Verdict};
use super::target::Target;
use super::timeline::LayerStatus;
use crate::cache::{
    Digest, Entry, EntryKind, EntryName, Folder, Leftover, Location, Ref, Refusal, UsingProcess,
    former_ref_file,
};
use crate::usage::{Measurement, Size, Usage};

/// Something that a decision is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// An image, layer, leftover or other entry.
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
                EntryKind::Leftover(_) | EntryKind::Foreign => None,
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
    pub(crate) fn restored_name(&self) -> Option<EntryName> {
        match self {
            Self::Entry(_) => self.image_name().cloned(),
            Self::Ref { location, .. } => former_ref_file(&location.name),
        }
    }

    /// The entry, if it is a whole image, be it hidden, or an extraction that will be one.
    pub(super) fn rootfs(&self) -> Option<&Entry> {
        match self {
            Self::Entry(entry) if entry.is_rootfs() => Some(entry),
            _ => None,
        }
    }

    /// When it was last used; a ref does not say.
    pub fn last_used(&self) -> Option<Timestamp> {
        match self {
            Self::Entry(entry) => Some(entry.last_used),
            Self::Ref { .. } => None,
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
    pub users: Vec<UsingProcess>,
    /// Where something is mounted in it, if that is why it stays.
    pub mount: Option<PathBuf>,
    /// What would refuse to be removed, if that is why it stays.
    pub refusal: Option<Refusal>,
    /// Where it stands, if it is a layer.
    pub layer_status: Option<LayerStatus>,
    /// What it most likely was, if it is an orphan.
    pub identity: Option<Identity>,
    /// How big it is, if it was measured: see [`Plan::note_usage`].
    pub usage: Option<Usage>,
}

/// A decision for each thing in the cache, by kind and name. By default, there are none.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    decisions: Vec<Decision>,
    places: HashMap<Location, usize>,
    left: Option<Size>,
    target: Option<Target>,
    in_place: bool,
}

impl Plan {
    pub(super) fn new(decisions: Vec<Decision>) -> Self {
        let locations = decisions.iter().map(|decision| decision.item.location().clone());
        let places = locations.enumerate().map(|(place, location)| (location, place)).collect();
        Self { decisions, places, ..Self::default() }
    }

    /// Other decisions, made for the same wishes.
    pub(super) fn with_decisions(&self, decisions: Vec<Decision>) -> Self {
        let Self { left, target, in_place, .. } = self.clone();
        Self { left, target, in_place, ..Self::new(decisions) }
    }

    pub(super) fn aiming_at(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// What has to be available on the file system, if the plan was made for that. Then it is carried out only as far
    /// as it takes.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    pub(super) fn leaving(self, left: Size) -> Self {
        Self { left: Some(left), ..self }
    }

    /// What the cache occupies once the plan is carried out, if it was made for a limit on the size.
    pub fn left(&self) -> Option<Size> {
        self.left
    }

    /// Lets a sweep remove in place what the file system does not rename, as on a full btrfs. The
    /// owner of the cache must not start meanwhile: it could use half an image.
    pub fn allow_in_place(&mut self) {
        self.in_place = true;
    }

    pub(crate) fn goes_in_place(&self) -> bool {
        self.in_place
    }

    /// All decisions, by kind and name.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The decision about what lies at `location`, if there is one.
    pub fn get(&self, location: &Location) -> Option<&Decision> {
        self.decisions.get(*self.places.get(location)?)
    }

    /// The decisions to remove something.
    pub fn removals(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.verdict.removes())
    }

    /// The places, in the list of decisions, of everything that does not simply stay.
    pub(crate) fn changed_places(&self) -> Vec<usize> {
        let stays = |decision: &Decision| matches!(decision.verdict, Verdict::Keep(_));
        (0..self.decisions.len()).filter(|&place| !stays(&self.decisions[place])).collect()
    }

    /// The decisions to remove or restore something.
    pub fn changes(&self) -> impl Iterator<Item = &Decision> {
        let stays = |decision: &Decision| matches!(decision.verdict, Verdict::Keep(_));
        self.decisions.iter().filter(move |decision| !stays(decision))
    }

    /// Where the things to be removed lie, in the order of [`Plan::removals`].
    pub fn to_remove(&self) -> Vec<Location> {
        self.removals().map(|decision| decision.item.location().clone()).collect()
    }

    /// Where the things lie that are not the cache's own.
    pub fn foreign(&self) -> impl Iterator<Item = &Location> {
        self.decisions.iter().filter_map(|decision| match &decision.item {
            Item::Entry(Entry { kind: EntryKind::Foreign, location, .. }) => Some(location),
            _ => None,
        })
    }

    /// The orphans that stay because nothing has replaced them.
    pub fn unreplaced(&self) -> impl Iterator<Item = &Decision> {
        let unreplaced = Verdict::Keep(KeepReason::Unreplaced);
        self.decisions.iter().filter(move |decision| decision.verdict == unreplaced)
    }

    /// The unreferenced layers that stay because the user has not asked for them.
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

    /// Where everything lies that there is a decision about, in the order of the decisions.
    pub fn locations(&self) -> impl Iterator<Item = &Location> {
        self.decisions.iter().map(|decision| decision.item.location())
    }

    /// Notes how big the things to be removed are, as far as `measurement` has them.
    pub fn note_usage(&mut self, measurement: &Measurement) {
        for decision in self.decisions.iter_mut().filter(|decision| decision.verdict.removes()) {
            decision.usage = measurement.usage(decision.item.location()).or(decision.usage);
        }
    }

    /// Notes how much of a thing has been removed.
    pub fn note_removed(&mut self, location: &Location, usage: Usage) {
        if let Some(&place) = self.places.get(location) {
            self.decisions[place].usage = Some(usage);
        }
    }
}

/// Decides about `item`. What is mounted is not of the cache, so what holds it stays, and so does a whole entry of
/// which it is unknown whether it holds a mount. What the system refuses to remove stays whole.
pub(super) fn decide(
    item: Item,
    verdict: Verdict,
    reachability: &Reachability<'_>,
    users: Vec<UsingProcess>,
    evidence: &Evidence,
) -> Decision {
    let mounts = evidence.mounts.as_ref();
    let mount = mounts.and_then(|mounts| mounts.get(item.location()));
    let mount = mount.filter(|_| verdict.removes()).map(Path::to_path_buf);
    let may_hold_mount = mounts.is_none() && matches!(item, Item::Entry(_)) && verdict.may_wait();
    let refs = item.image_name().map_or(&[][..], |name| reachability.get(name));
    let refusal = refusal(&item, verdict, refs, evidence).filter(|_| mount.is_none()).cloned();
    let verdict = match (&mount, &refusal) {
        (Some(_), _) => Verdict::Keep(KeepReason::Mount),
        (None, Some(_)) => Verdict::Keep(KeepReason::Unremovable),
        (None, None) if may_hold_mount => Verdict::Keep(KeepReason::Unknown),
        (None, None) => verdict,
    };
    let refs = refs.iter().map(|found| found.image.clone()).collect();
    Decision {
        item,
        verdict,
        refs,
        users,
        mount,
        refusal,
        layer_status: None,
        identity: None,
        usage: None,
    }
}

/// What would refuse if `item` were removed: it, or a ref that goes with it. A purge takes each ref
/// by itself.
fn refusal<'e>(
    item: &Item,
    verdict: Verdict,
    refs: &[&Ref],
    evidence: &'e Evidence,
) -> Option<&'e Refusal> {
    let of_ref = |found: &&Ref| {
        let location = Location { folder: Folder::Refs, name: found.file.clone() };
        evidence.refusals.get(&location)
    };
    let of_refs = || refs.iter().filter(|_| verdict.overrides_refs()).find_map(of_ref);
    evidence.refusals.get(item.location()).or_else(of_refs).filter(|_| verdict.removes())
}

/// Decides about a ref.
pub(super) fn decide_ref(found: &Ref, verdict: Verdict, evidence: &Evidence) -> Decision {
    let item = ref_item(&found.file, Some(&found.digest));
    let decision = decide(item, verdict, &Reachability::new(&[]), Vec::new(), evidence);
    Decision { refs: vec![found.image.clone()], ..decision }
}

pub(super) fn ref_item(file: &EntryName, digest: Option<&Digest>) -> Item {
    let location = Location { folder: Folder::Refs, name: file.clone() };
    Item::Ref { location, digest: digest.cloned() }
}
