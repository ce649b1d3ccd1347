//! The parts of a plan: items, the verdicts on them, and what explains those.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::evidence::Evidence;
use super::identity::Identity;
use super::reachability::Reachability;
use super::reason::{KeepReason, Verdict};
use super::timeline::LayerStatus;
use crate::cache::{
    Digest, Entry, EntryKind, EntryName, Folder, Leftover, Location, Ref, Refusal, UsingProcess,
    former_ref_file,
};
use crate::usage::Usage;

/// The subject of a decision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// An image, layer, leftover or other entry.
    Entry(Entry),
    /// A file in `refs/`, valid or not.
    Ref {
        /// The location of the file.
        location: Location,
        /// The digest that it points at; `None` if the file is not a valid ref.
        digest: Option<Digest>,
    },
}

impl Item {
    /// The location of the entry or ref file.
    pub fn location(&self) -> &Location {
        match self {
            Self::Entry(entry) => &entry.location,
            Self::Ref { location, .. } => location,
        }
    }

    /// The digest in the name of an image or layer, or the one that a ref points at.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Entry(entry) => entry.kind.digest(),
            Self::Ref { digest, .. } => digest.as_ref(),
        }
    }

    /// The name under which references know this image, also while it is hidden. `None` if the item
    /// is not a whole image.
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

    /// The name to restore a hidden item to: that of an image or of a ref file.
    pub(crate) fn restored_name(&self) -> Option<EntryName> {
        match self {
            Self::Entry(_) => self.image_name().cloned(),
            Self::Ref { location, .. } => former_ref_file(&location.name),
        }
    }

    /// The entry, if it is an image (hidden or not) or the extraction of one.
    pub(super) fn rootfs(&self) -> Option<&Entry> {
        match self {
            Self::Entry(entry) if entry.is_rootfs() => Some(entry),
            _ => None,
        }
    }

    /// When it was last used; `None` for a ref.
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

    /// Whether it is an image under its own name, not a hidden one.
    pub fn is_image_in_place(&self) -> bool {
        self.image_name() == Some(&self.location().name)
    }
}

/// An item and the verdict on it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decision {
    /// The item.
    pub item: Item,
    /// The verdict, with its reason.
    pub verdict: Verdict,
    /// The references that point at it; `None` for a ref in the old format, which lacks the name.
    /// Not safe to print.
    pub refs: Vec<Option<String>>,
    /// The processes that use it, as far as known.
    pub users: Vec<UsingProcess>,
    /// The mount point inside it, if that is why it is kept.
    pub mount: Option<PathBuf>,
    /// What the system would refuse to remove, if that is why it is kept.
    pub refusal: Option<Refusal>,
    /// Whether it is still needed, if it is a layer.
    pub layer_status: Option<LayerStatus>,
    /// A guess at what it was, if it is an orphan.
    pub identity: Option<Identity>,
    /// Its size, if measured: see [`Plan::note_usage`](super::Plan::note_usage).
    pub usage: Option<Usage>,
}

/// Decides about `item`. An item with a mount in it is kept, because the mounted files are not part
/// of the cache. So is a whole entry if mounts are unknown. An item that the system refuses to
/// remove is kept whole.
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

/// The refusal to expect if `item` is removed: of the item itself, or of a ref that is removed with
/// it. A purge decides about each ref separately.
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
