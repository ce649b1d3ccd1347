//! Layers, guesses and offers in words.

use crate::cache::{Digest, Entry, EntryKind, EntryName, Inventory, Location};
use crate::cli::ui::theme::RECLAIMABLE;
use crate::cli::ui::units::{estimate, plural};
use crate::escape::Escaped;
use crate::plan::{Identity, LayerStatus, Timeline, UnknownLayer};
use crate::usage::Estimate;

/// Items that a command would remove.
pub struct Offer {
    /// For example, `2 orphans`.
    pub what: String,
    pub bytes: Estimate,
    pub command: String,
}

impl Offer {
    pub fn line(&self) -> String {
        let Self { what, bytes, command } = self;
        let bytes = estimate(*bytes);
        format!("{RECLAIMABLE}{bytes} reclaimable{RECLAIMABLE:#} ({what}): run `{command}`\n")
    }
}

/// What a `gc` would remove besides references; `None` if that is nothing.
pub fn orphans_and_leftovers(orphans: usize, leftovers: usize) -> Option<String> {
    match (orphans, leftovers) {
        (0, 0) => None,
        (orphans, 0) => Some(plural(orphans, "orphan")),
        (0, leftovers) => Some(plural(leftovers, "leftover")),
        (orphans, leftovers) => {
            Some(format!("{} and {}", plural(orphans, "orphan"), plural(leftovers, "leftover")))
        }
    }
}

/// The message about unreplaced orphans: their number, their size if known, and what to do about
/// them. Empty if there are none.
pub fn unreplaced(count: usize, bytes: Option<Estimate>, gc: &str, tag: &str) -> String {
    if count == 0 {
        return String::new();
    }
    let images = plural(count, "unreplaced image");
    let size = bytes.map(|bytes| format!(" ({})", estimate(bytes))).unwrap_or_default();
    let (verb, its, it) = if count == 1 {
        ("is kept", "its reference", "it")
    } else {
        ("are kept", "their references", "them")
    };
    format!(
        "{images}{size} {verb}: Brood Box may have dropped {its} and still want {it}.\n\
         `{gc} --all` removes {it}; `{tag} IMAGE REFERENCE` keeps one for good.\n"
    )
}

/// A guess at what an orphan was, safe to print: `older agent-1:latest?`, the name of its program,
/// or its command. An unreplaced orphan is "like" another image, not older. With `whole`, the
/// reference is not shortened.
pub fn guess(identity: &Identity, is_unreplaced: bool, whole: bool) -> String {
    let Some(reference) = &identity.reference else { return identity.to_string() };
    let name = if whole { reference } else { reference.rsplit('/').next().unwrap_or(reference) };
    let name = Escaped::new(name);
    if is_unreplaced { format!("like {name}") } else { format!("older {name}?") }
}

/// The layers that an image likely consists of, with their locations; `None` if unknown.
pub fn layers_of<'a>(
    timeline: &Timeline<'_>,
    inventory: &'a Inventory,
    image: &Entry,
) -> Option<Vec<(&'a Location, &'a Digest)>> {
    let places = timeline.layers_of(&image.location)?.into_iter();
    let entries = places.map(|place| &inventory.entries[place]);
    let layers = entries.filter_map(|entry| match &entry.kind {
        EntryKind::Layer(digest) => Some((&entry.location, digest)),
        _ => None,
    });
    Some(layers.collect())
}

/// Details on the status of a layer, safe to print: how many images may use it, or why that is
/// unknown.
pub fn details(layer_status: &LayerStatus) -> String {
    match layer_status {
        LayerStatus::Referenced(images) => format!("by {}", plural(*images, "image")),
        LayerStatus::Unreferenced => String::new(),
        LayerStatus::Unknown(unknown) => reason(unknown),
    }
}

fn reason(unknown: &UnknownLayer) -> String {
    match (&unknown.image, unknown.reason) {
        (None, reason) => reason.to_string(),
        (Some(image), reason) => format!("{}: {reason}", short(image)),
    }
}

fn short(image: &Location) -> String {
    Digest::of_entry(&image.name).map_or_else(|| image.to_string(), |digest| digest.short())
}

/// The full digest of an image, or the name of an extraction, safe to print.
pub fn whole(name: &EntryName) -> String {
    let digest = Digest::of_entry(name);
    digest.map_or_else(|| Escaped::new(name.as_os_str()).to_string(), |digest| digest.to_string())
}
