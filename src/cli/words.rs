//! Layers and offers in words.

use crate::cache::{Digest, Entry, EntryKind, EntryName, Inventory, Location};
use crate::cli::ui::theme::RECLAIMABLE;
use crate::cli::ui::units::{estimate, plural, up_to};
use crate::escape::Escaped;
use crate::plan::{LayerStatus, Timeline, UnknownLayer};
use crate::usage::Estimate;

/// What some things hold that a command would remove.
pub struct Offer {
    /// Like `2 orphans`.
    pub what: String,
    /// Whether that is a single one.
    pub is_one: bool,
    pub bytes: Estimate,
    /// Whether it was asked what files share.
    pub reads_extents: bool,
    pub command: String,
}

impl Offer {
    pub fn line(&self) -> String {
        let Self { what, bytes, command, .. } = self;
        let verb = if self.is_one { "holds" } else { "hold" };
        if !self.reads_extents && !bytes.is_one_figure() {
            let bytes = reclaimable(&up_to(*bytes));
            return format!(
                "{what} {verb} {bytes}: `{command}` gives back what nobody else holds\n"
            );
        }
        let bytes = reclaimable(&estimate(*bytes));
        format!("{what} {verb} {bytes}: `{command}` gives it back\n")
    }
}

/// What there is to say of orphans that nothing has replaced: how many, how big they are as far as that is known, and what to do
/// about them.
pub fn unreplaced(count: usize, bytes: Option<Estimate>, gc: &str, tag: &str) -> String {
    if count == 0 {
        return String::new();
    }
    let images = plural(count, "unreplaced image");
    let size = bytes.map(|bytes| format!(" ({})", estimate(bytes))).unwrap_or_default();
    let (verb, its, it) = if count == 1 {
        ("stays", "its reference", "it")
    } else {
        ("stay", "their references", "them")
    };
    format!(
        "{images}{size} {verb}: Brood Box may have dropped {its} and still want {it}.\n\
         `{gc} --all` removes {it}; `{tag} IMAGE REFERENCE` keeps one for good.\n"
    )
}

fn reclaimable(bytes: &str) -> String {
    format!("{RECLAIMABLE}{bytes}{RECLAIMABLE:#}")
}

/// The layers that an image is likely made of, with where they lie; `None` if nobody can tell.
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

/// What there is to say of where a layer stands besides its name, safe to print: how many images it
/// may belong to, or why that is unknown.
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

/// The whole digest of an image, or the name of an extraction, safe to print.
pub fn whole(name: &EntryName) -> String {
    let digest = Digest::of_entry(name);
    digest.map_or_else(|| Escaped::new(name.as_os_str()).to_string(), |digest| digest.to_string())
}
