//! What an entry is called, and what there is to say of it, safe to print.

use super::listing::Listing;
use crate::cache::EntryKind;
use crate::cli::find_image::reference;
use crate::cli::image_row::Row;
use crate::cli::ui::cell::Cell;
use crate::cli::ui::text::cut;
use crate::cli::ui::theme::{IN_USE, ORPHAN};
use crate::cli::ui::units::size;
use crate::cli::words::{details, whole};
use crate::plan::LayerStatus;

/// The longest name of something without a digest; a digest has as many.
const NAME_WIDTH: usize = 19;

/// Its digest, or its name if it has none.
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

/// How many layers an image is likely made of, and how big they are; or where a layer stands.
pub fn about_layers(listing: &Listing<'_>, row: &Row<'_>) -> String {
    match (&row.entry.kind, listing.layers_of(row.entry)) {
        (EntryKind::Layer(_), _) => {
            listing.layer_status(row.entry).map_or("", LayerStatus::name).to_owned()
        }
        (EntryKind::Image(_), Some((layers, bytes))) => {
            format!("{} ({})", layers.len(), size(bytes))
        }
        (EntryKind::Image(_), None) => "unknown".to_owned(),
        _ => String::new(),
    }
}

/// What it is, or what it is for.
pub fn purpose(listing: &Listing<'_>, row: &Row<'_>, whole: bool) -> Cell {
    match &row.entry.kind {
        EntryKind::Image(_) => image(listing, row, whole),
        EntryKind::Layer(_) => layer(listing, row, whole).into(),
        EntryKind::Leftover(_) if row.entry.is_interrupted_gc() => "an interrupted gc".into(),
        EntryKind::Leftover(_) if listing.is_doomed(row.entry) => "an abandoned extraction".into(),
        EntryKind::Leftover(_) => "an extraction".into(),
        EntryKind::Foreign => Cell::default(),
    }
}

/// Its references, or what an orphan most likely was; with a mark for what is out of the ordinary.
fn image(listing: &Listing<'_>, row: &Row<'_>, whole: bool) -> Cell {
    let text = if row.is_orphan() {
        listing.identity(row.entry).map(ToString::to_string).unwrap_or_default()
    } else {
        references(row, whole)
    };
    let is_used_in_place = listing.is_used_in_place(row.entry);
    let text = if is_used_in_place { format!("{text} (used in place)") } else { text };
    let status = listing.status(row);
    match (row.is_orphan(), listing.in_use(row.entry) == Some(true)) {
        (true, true) => Cell::marked("(orphan, in use)", IN_USE, text),
        (true, false) => Cell::marked(&format!("({status})"), ORPHAN, text),
        (false, true) => Cell::marked("(in use)", IN_USE, text),
        (false, false) => text.into(),
    }
}

fn references(row: &Row<'_>, whole: bool) -> String {
    let mut names: Vec<_> = row.refs.iter().map(|found| reference(found)).collect();
    match names.len() {
        0 => "(no readable ref)".to_owned(),
        1 => names.remove(0),
        _ if whole => names.join(", "),
        n => format!("{} (+{} more)", names[0], n - 1),
    }
}

/// Why a layer stands where it stands; without that word, too, it tells.
fn layer(listing: &Listing<'_>, row: &Row<'_>, has_room: bool) -> String {
    match listing.layer_status(row.entry) {
        Some(LayerStatus::Unreferenced) => "by no image".to_owned(),
        Some(LayerStatus::Referenced(_)) if has_room => {
            let images = listing.images_of(row.entry);
            let names: Vec<_> = images.map(|image| whole(&image.name)).collect();
            format!("by {}", names.join(", "))
        }
        Some(layer_status) => details(layer_status),
        None => String::new(),
    }
}
