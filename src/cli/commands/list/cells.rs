//! The cells of a listing, safe to print.

use anstyle::Style;

use super::listing::Listing;
use crate::cache::EntryKind;
use crate::cli::find_image::reference;
use crate::cli::image_row::Row;
use crate::cli::ui::cell::Cell;
use crate::cli::ui::text::cut;
use crate::cli::ui::theme::{IN_USE, ORPHAN, PLAIN, RECLAIMABLE};
use crate::cli::words::{details, guess, whole};
use crate::plan::{KeepReason, LayerStatus};

/// The maximum width of a name without a digest.
const NAME_WIDTH: usize = 19;

/// The digest of an entry, or its name if it has none.
pub fn name(row: &Row<'_>, whole: bool) -> String {
    match row.digest() {
        Some(digest) if whole => digest.to_string(),
        Some(digest) => digest.short(),
        None if whole => row.entry.location.to_string(),
        None => row.entry.former_digest().map_or_else(
            || cut(&row.entry.location.to_string(), NAME_WIDTH),
            |digest| digest.short(),
        ),
    }
}

/// The likely number of layers of an image, or the status of a layer.
pub fn about_layers(listing: &Listing<'_>, row: &Row<'_>) -> Cell {
    match (&row.entry.kind, listing.layers_of(row.entry)) {
        (EntryKind::Layer(_), _) => match listing.layer_status(row.entry) {
            Some(status @ LayerStatus::Unreferenced) => {
                Cell::marked(status.name(), RECLAIMABLE, "")
            }
            status => status.map_or("", LayerStatus::name).into(),
        },
        (EntryKind::Image(_), Some((layers, _))) => layers.len().to_string().into(),
        (EntryKind::Image(_), None) => "?".into(),
        _ => Cell::default(),
    }
}

/// What the entry is, or what it is for.
pub fn purpose(listing: &Listing<'_>, row: &Row<'_>, whole: bool) -> Cell {
    match &row.entry.kind {
        EntryKind::Image(_) => image(listing, row, whole),
        EntryKind::Layer(_) => layer(listing, row, whole).into(),
        EntryKind::Leftover(_) if row.entry.is_interrupted_gc() => "an interrupted gc".into(),
        EntryKind::Leftover(_) if listing.is_reclaimable(row.entry) => {
            "an abandoned extraction".into()
        }
        EntryKind::Leftover(_) => "an extraction".into(),
        EntryKind::Foreign => Cell::default(),
    }
}

/// The name of an image, after its status if that is unusual.
fn image(listing: &Listing<'_>, row: &Row<'_>, whole: bool) -> Cell {
    let text = called(listing, row, whole);
    match status(listing, row) {
        (LIVE, _) => text.into(),
        (status, style) => Cell::marked(&format!("({status})"), style, text),
    }
}

/// The references of an image, or a guess for an orphan.
pub fn called(listing: &Listing<'_>, row: &Row<'_>, whole: bool) -> String {
    let is_unreplaced = listing.status(row) == KeepReason::Unreplaced.name();
    let name = if row.is_orphan() {
        let identity = listing.identity(row.entry);
        identity.map_or_else(String::new, |identity| guess(identity, is_unreplaced, whole))
    } else {
        references(row, whole)
    };
    if listing.is_used_in_place(row.entry) { format!("{name} (used in place)") } else { name }
}

/// The status of an image that need not be shown.
const LIVE: &str = "live";

/// The status of an image, with its style.
pub fn status(listing: &Listing<'_>, row: &Row<'_>) -> (&'static str, Style) {
    match (row.is_orphan(), listing.in_use(row.entry) == Some(true)) {
        (true, true) => ("orphan, in use", IN_USE),
        (true, false) => (listing.status(row), ORPHAN),
        (false, true) => ("in use", IN_USE),
        (false, false) => (listing.status(row), PLAIN),
    }
}

fn references(row: &Row<'_>, whole: bool) -> String {
    let mut names: Vec<_> = row.refs.iter().map(|found| reference(found)).collect();
    match names.len() {
        0 => "(no readable reference)".to_owned(),
        1 => names.remove(0),
        _ if whole => names.join(", "),
        n => format!("{} (+{} more)", names[0], n - 1),
    }
}

/// Why a layer has its status.
fn layer(listing: &Listing<'_>, row: &Row<'_>, has_room: bool) -> String {
    match listing.layer_status(row.entry) {
        Some(LayerStatus::Referenced(_)) if has_room => {
            let images = listing.images_of(row.entry);
            let names: Vec<_> = images.map(|image| whole(&image.name)).collect();
            format!("by {}", names.join(", "))
        }
        Some(layer_status) => details(layer_status),
        None => String::new(),
    }
}
