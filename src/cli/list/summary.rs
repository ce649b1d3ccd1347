//! What stands below the table of `list`: totals, what `gc` would give back, and what is odd.

use super::listing::Listing;
use crate::cache::EntryKind;
use crate::cli::ui::units::{at_least, estimate, plural, size};
use crate::plan::Verdict;

/// How many strangers are named; `--sizes` has a row for each.
const SHOWN_STRANGERS: usize = 4;

/// The line of totals, and what else there is to know.
pub fn render(listing: &Listing<'_>) -> String {
    let (images, orphans) = listing.counts;
    let mut text = format!("{} ({})", plural(images, "image"), plural(orphans, "orphan"));
    if let Some(census) = listing.census {
        let of = |kind: fn(&EntryKind) -> bool| {
            let usage = listing.total(kind).unwrap_or_default();
            at_least(&usage, usage.on_disk)
        };
        let total = census.total();
        let parts = [
            of(|kind| matches!(kind, EntryKind::Image(_))),
            of(|kind| matches!(kind, EntryKind::Layer(_))),
            of(|kind| matches!(kind, EntryKind::Leftover(_))),
            at_least(&total, total.on_disk),
        ];
        let [rootfs, layers, leftovers, total] = parts;
        text += &format!(" {rootfs}, layers {layers}, leftovers {leftovers}, total {total}");
    }
    text.push('\n');
    text.push_str(&reclaimable(listing));
    text.push_str(&restorable(listing));
    text.push_str(&oddities(listing));
    text
}

fn reclaimable(listing: &Listing<'_>) -> String {
    let leftovers = listing.leftovers.iter().filter_map(|row| listing.verdict(row.entry));
    let interrupted = leftovers.filter(|verdict| verdict.removes()).count();
    let orphans = listing.counts.1;
    let what = match (orphans, interrupted) {
        (0, 0) => return String::new(),
        (n, 0) => plural(n, "orphan"),
        (0, n) => plural(n, "leftover"),
        (n, m) => format!("{} and {}", plural(n, "orphan"), plural(m, "leftover")),
    };
    let verb = if orphans + interrupted == 1 { "holds" } else { "hold" };
    let command = &listing.gc_command;
    match listing.reclaimable() {
        Some((bytes, is_complete)) => {
            if !listing.reads_extents && !bytes.is_exact() {
                let bytes = size(bytes.at_most);
                return format!(
                    "{what} {verb} up to {bytes}: `{command}` gives back what nobody else holds\n"
                );
            }
            let at_least = if is_complete { "" } else { "at least " };
            let bytes = format!("{at_least}{}", estimate(bytes));
            format!("{what} {verb} {bytes}: `{command}` gives it back\n")
        }
        None => format!("{what}: `{command}` removes that\n"),
    }
}

/// Images that an interrupted collection has hidden, and that are wanted.
fn restorable(listing: &Listing<'_>) -> String {
    let leftovers = listing.leftovers.iter().filter_map(|row| listing.verdict(row.entry));
    match leftovers.filter(|verdict| matches!(verdict, Verdict::Restore(_))).count() {
        0 => String::new(),
        n => format!(
            "{} hidden by an interrupted gc: `{}` brings back what a ref names\n",
            plural(n, "image"),
            listing.gc_command
        ),
    }
}

fn oddities(listing: &Listing<'_>) -> String {
    let mut text = String::new();
    let dangling = listing.dangling().count();
    if dangling > 0 {
        let verb = if dangling == 1 { "names an image that is" } else { "name images that are" };
        text = format!("{} {verb} not here\n", plural(dangling, "ref"));
    }
    let strangers = listing.strangers.iter().map(|row| row.entry.location.to_string());
    let names: Vec<_> = strangers.collect();
    if !names.is_empty() {
        let shown = names[..names.len().min(SHOWN_STRANGERS)].join(", ");
        let more = match names.len() - names.len().min(SHOWN_STRANGERS) {
            0 => String::new(),
            n => format!(" (+{n} more)"),
        };
        text += &format!("not of the cache, never touched: {shown}{more}\n");
    }
    text
}
