//! The lines below the table of `list`: totals, what `gc` would free, and oddities.

use unicode_width::UnicodeWidthStr;

use super::listing::Listing;
use crate::cache::EntryKind;
use crate::cli::ui::text::wrap;
use crate::cli::ui::units::{bytes, plural};
use crate::cli::words::{Offer, orphans_and_leftovers, unreplaced};
use crate::escape::Escaped;
use crate::plan::Verdict;

/// The maximum number of names shown of each kind; JSON has all of them.
const SHOWN_NAMES: usize = 4;

/// The totals and everything else below the table.
pub fn render(listing: &Listing<'_>, width: Option<usize>) -> String {
    let totals = wrap(&fold(&totals(listing), width), width, 2) + "\n";
    let mut text = String::new();
    text.push_str(&reclaimable(listing));
    text.push_str(&layers(listing));
    let left = listing.unreplaced().count();
    let bytes = listing.reclaimable_unreplaced();
    text.push_str(&unreplaced(left, bytes, &listing.gc_command, &listing.tag_command));
    text.push_str(&restorable(listing));
    text.push_str(&oddities(listing));
    totals + &wrap(&text, width, 2)
}

fn totals(listing: &Listing<'_>) -> Vec<String> {
    let (images, orphans) = listing.counts;
    let images = format!("{} ({})", plural(images, "image"), plural(orphans, "orphan"));
    let disk = listing.disk().map(|disk| format!("disk {} free", bytes(disk.available)));
    let Some(cache_usage) = listing.cache_usage else {
        return [images].into_iter().chain(disk).collect();
    };
    let hint = match (listing.may_share(), listing.is_account) {
        (false, _) => "",
        (true, true) => " (some may be shared: the file system does not report it)",
        (true, false) => " (some may be shared: see --sizes)",
    };
    let of = |kind: fn(&EntryKind) -> bool| {
        listing.shown_sum(listing.total(kind).unwrap_or_default().on_disk())
    };
    let parts = [
        format!("{images} {}", of(|kind| matches!(kind, EntryKind::Image(_)))),
        format!("layers {}", of(|kind| matches!(kind, EntryKind::Layer(_)))),
        format!("leftovers {}", of(|kind| matches!(kind, EntryKind::Leftover(_)))),
        format!("total {}{hint}", listing.shown_sum(cache_usage.total().on_disk())),
    ];
    parts.into_iter().chain(disk).collect()
}

/// Joins parts with commas, on several lines if one is too short.
fn fold(parts: &[String], width: Option<usize>) -> String {
    let (mut text, mut column) = (String::new(), 0);
    for (index, part) in parts.iter().enumerate() {
        let part = if index + 1 < parts.len() { format!("{part},") } else { part.clone() };
        let fits = width.is_none_or(|width| column + 1 + part.width() <= width);
        let (gap, start) = match (column, fits) {
            (0, _) => ("", 0),
            (_, true) => (" ", column + 1),
            (_, false) => ("\n", 0),
        };
        text += &format!("{gap}{part}");
        column = start + part.width();
    }
    text
}

fn reclaimable(listing: &Listing<'_>) -> String {
    let leftovers =
        listing.leftovers.iter().filter(|row| listing.is_reclaimable(row.entry)).count();
    let orphans = listing.reclaimable_images();
    let Some(what) = orphans_and_leftovers(orphans, leftovers) else { return String::new() };
    let command = listing.gc_command.clone();
    match listing.reclaimable() {
        Some(bytes) => Offer { what, bytes, command }.line(),
        None => format!("{what} to remove: run `{command}`\n"),
    }
}

/// The offer to remove unreferenced layers, too.
fn layers(listing: &Listing<'_>) -> String {
    let count = listing.left_layers().count();
    let Some(bytes) = listing.reclaimable_layers().filter(|_| count > 0) else {
        return String::new();
    };
    let what = plural(count, "unreferenced layer");
    Offer { what, bytes, command: format!("{} --layers", listing.gc_command) }.line()
}

/// The line about hidden images of an interrupted gc that would be restored.
fn restorable(listing: &Listing<'_>) -> String {
    let leftovers = listing.leftovers.iter().filter_map(|row| listing.verdict(row.entry));
    match leftovers.filter(|verdict| matches!(verdict, Verdict::Restore(_))).count() {
        0 => String::new(),
        n => format!(
            "{} hidden by an interrupted gc: `{}` restores those with a reference\n",
            plural(n, "image"),
            listing.gc_command
        ),
    }
}

fn oddities(listing: &Listing<'_>) -> String {
    let refs = listing.dangling().map(|found| match &found.image {
        Some(image) => Escaped::new(image).to_string(),
        None => found.file.to_string(),
    });
    let refs: Vec<_> = refs.collect();
    let foreign = listing.foreign.iter().map(|row| row.entry.location.to_string());
    let foreign: Vec<_> = foreign.collect();
    let mut text = String::new();
    if !refs.is_empty() {
        let points =
            if refs.len() == 1 { "points to a missing image" } else { "point to missing images" };
        let it = if refs.len() == 1 { "it" } else { "them" };
        // A young one may belong to a pull in progress.
        let hint = if listing.reclaimable_refs() == refs.len() {
            format!("; `{}` removes {it}", listing.gc_command)
        } else {
            String::new()
        };
        let (count, names) = (plural(refs.len(), "reference"), some_of(&refs));
        text = format!("{count} {points} ({names}){hint}\n");
    }
    if !foreign.is_empty() {
        text += &format!("ignored, not part of the cache: {}\n", some_of(&foreign));
    }
    text
}

fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN_NAMES)].join(", ");
    match names.len() - names.len().min(SHOWN_NAMES) {
        0 => shown,
        n => format!("{shown} (+{n} more)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_folded_between_its_parts() {
        let parts = ["5 images", "layers", "total"].map(str::to_owned);
        for (width, text) in [
            (None, "5 images, layers, total"),
            (Some(23), "5 images, layers, total"),
            (Some(22), "5 images, layers,\ntotal"),
            (Some(16), "5 images,\nlayers, total"),
            (Some(1), "5 images,\nlayers,\ntotal"),
        ] {
            assert_eq!(fold(&parts, width), text);
        }
    }
}
