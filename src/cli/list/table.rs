//! `list` for people.

use anstyle::{AnsiColor, Style};

use super::listing::Listing;
use super::row::Row;
use super::summary;
use crate::cache::EntryKind;
use crate::cli::args::List;
use crate::cli::layers::details;
use crate::cli::ui::console::DIM;
use crate::cli::ui::table::{Align, Table, cut};
use crate::cli::ui::units::{ago, at_least, count, estimate, size};
use crate::escape::Escaped;
use crate::plan::Standing;
use crate::usage::{Estimate, Usage};

/// From how many columns on the full account has room for everything.
const WIDE: usize = 100;
/// The longest name of something without a digest; a digest has as many.
const NAME_WIDTH: usize = 19;
const ORPHAN: Style = AnsiColor::Yellow.on_default();

/// The digests of the images, one a line.
pub fn digests(listing: &Listing<'_>) -> String {
    let digests = listing.images.iter().filter_map(Row::digest);
    digests.map(|digest| format!("{digest}\n")).collect()
}

pub fn render(listing: &Listing<'_>, args: &List, width: Option<usize>) -> String {
    let is_empty = listing.inventory.entries.is_empty() && listing.inventory.refs.is_empty();
    let text = match is_empty {
        true => format!("There is nothing in {}.\n", Escaped::new(listing.cache_dir)),
        false if args.sizes => account(listing, args, width).render(width),
        false => overview(listing, args).render(width),
    };
    if is_empty {
        return text;
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    text + gap + &summary::render(listing)
}

fn overview(listing: &Listing<'_>, args: &List) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([Left, Right, Left, Left]);
    if !listing.images.is_empty() {
        table.header(["DIGEST", "SIZE", "LAST USED", "IMAGE"]);
    }
    for row in &listing.images {
        let size =
            row.usage.map_or_else(|| "-".to_owned(), |usage| at_least(&usage, usage.on_disk));
        let used = ago(listing.now, row.entry.last_used);
        let image = image(listing, row, args);
        table.row([digest(row, args), size, used, image], style(listing, row));
    }
    table
}

/// The full account: a section for each kind of entry, all with the same columns.
fn account(listing: &Listing<'_>, args: &List, width: Option<usize>) -> Table {
    use Align::{Left, Right};
    let [apparent, files, directories] = [1, 4, 5];
    let columns = [Left, Right, Right, Right, Right, Right, Left, Left, Left];
    let mut table = Table::new(columns).sparing([directories, files, apparent]);
    let sections = [
        ("DIGEST", "LAST USED", "LAYERS", "IMAGE", &listing.images),
        ("LAYER", "LAST USED", "STATUS", "WHY", &listing.layers),
        ("LEFTOVER", "LAST CHANGED", "", "OF", &listing.leftovers),
        ("STRANGER", "LAST CHANGED", "", "", &listing.strangers),
    ];
    for (first, time, layers, last, rows) in sections {
        if rows.is_empty() {
            continue;
        }
        table.header([first, "APPARENT", "ON DISK", "UNIQUE", "FILES", "DIRS", time, layers, last]);
        for row in rows {
            let time = match row.entry.kind {
                EntryKind::Image(_) | EntryKind::Layer(_) => row.entry.last_used,
                EntryKind::Leftover(_) | EntryKind::Stranger => row.last_changed,
            };
            let time = ago(listing.now, time);
            let name = match width {
                Some(width) if width < WIDE => without_algorithm(&digest(row, args)).to_owned(),
                _ => digest(row, args),
            };
            let unique = row.unique.unwrap_or_default();
            let cells = amounts(name, &row.usage.unwrap_or_default(), unique);
            let last = vec![time, about_layers(listing, row), image(listing, row, args)];
            table.row([cells, last].concat(), style(listing, row));
        }
    }
    totals(listing, &mut table);
    table
}

fn totals(listing: &Listing<'_>, table: &mut Table) {
    let Some(census) = listing.census else { return };
    let of = |kind: fn(&EntryKind) -> bool| {
        (listing.total(kind).unwrap_or_default(), listing.unique(kind).unwrap_or_default())
    };
    table.header(["TOTAL", "APPARENT", "ON DISK", "UNIQUE", "FILES", "DIRS", "", "", ""]);
    let parts = [
        ("images", of(|kind| matches!(kind, EntryKind::Image(_)))),
        ("layers", of(|kind| matches!(kind, EntryKind::Layer(_)))),
        ("leftovers", of(|kind| matches!(kind, EntryKind::Leftover(_)))),
        ("strangers", of(|kind| matches!(kind, EntryKind::Stranger))),
        ("index", (census.index(), census.index_unique())),
    ];
    let parts = parts.iter().filter(|(_, (usage, _))| usage.directories + usage.files > 0);
    for (name, (usage, unique)) in parts {
        table.row(amounts((*name).to_owned(), usage, *unique), Style::new());
    }
    let everything = amounts("everything".to_owned(), &census.total(), census.total_unique());
    table.row(everything, Style::new().bold());
}

fn amounts(name: String, usage: &Usage, unique: Estimate) -> Vec<String> {
    let [apparent, on_disk] = [usage.apparent, usage.on_disk].map(|bytes| at_least(usage, bytes));
    let at_least = if usage.is_complete() { "" } else { "at least " };
    let unique = format!("{at_least}{}", estimate(unique));
    vec![name, apparent, on_disk, unique, count(usage.files), count(usage.directories)]
}

fn style(listing: &Listing<'_>, row: &Row<'_>) -> Style {
    match row.entry.kind {
        EntryKind::Image(_) if row.is_orphan() => ORPHAN,
        EntryKind::Leftover(_) if listing.is_doomed(row.entry) => ORPHAN,
        EntryKind::Layer(_) if listing.standing(row.entry) == Some(&Standing::Unreferenced) => {
            ORPHAN
        }
        EntryKind::Stranger => DIM,
        _ => Style::new(),
    }
}

fn digest(row: &Row<'_>, args: &List) -> String {
    match row.digest() {
        Some(digest) if args.no_trunc => digest.to_string(),
        Some(digest) => digest.short(),
        None if args.no_trunc => row.entry.location.to_string(),
        None => row.entry.former_digest().map_or_else(
            || cut(&row.entry.location.to_string(), NAME_WIDTH),
            |digest| digest.short(),
        ),
    }
}

/// Where there is no room, what all digests begin with says least.
fn without_algorithm(digest: &str) -> &str {
    digest.split_once(':').map_or(digest, |(_, digits)| digits)
}

/// How many layers an image is likely made of, and how big they are; or where a layer stands.
fn about_layers(listing: &Listing<'_>, row: &Row<'_>) -> String {
    match (&row.entry.kind, listing.layers_of(row.entry)) {
        (EntryKind::Layer(_), _) => {
            listing.standing(row.entry).map_or("", Standing::name).to_owned()
        }
        (EntryKind::Image(_), Some((layers, bytes))) => {
            format!("{} ({})", layers.len(), size(bytes))
        }
        (EntryKind::Image(_), None) => "unknown".to_owned(),
        _ => String::new(),
    }
}

/// What an entry is, or what it is for.
fn image(listing: &Listing<'_>, row: &Row<'_>, args: &List) -> String {
    let names = row.refs.iter().map(|found| match &found.image {
        Some(image) => Escaped::new(image).to_string(),
        None => "(unknown image)".to_owned(),
    });
    let mut names: Vec<_> = names.collect();
    match (&row.entry.kind, names.len()) {
        (EntryKind::Image(_), 0) if row.is_orphan() => "(orphan)".to_owned(),
        (EntryKind::Image(_), 0) => "(no readable ref)".to_owned(),
        (EntryKind::Image(_), 1) => names.remove(0),
        (EntryKind::Image(_), _) if args.no_trunc => names.join(", "),
        (EntryKind::Image(_), n) => format!("{} (+{} more)", names[0], n - 1),
        (EntryKind::Layer(_), _) => match listing.standing(row.entry) {
            Some(standing) => details(standing, args.no_trunc),
            None => String::new(),
        },
        (EntryKind::Leftover(_), _) if row.entry.is_interrupted_gc() => {
            "an interrupted gc".to_owned()
        }
        (EntryKind::Leftover(_), _) if listing.is_doomed(row.entry) => {
            "an abandoned extraction".to_owned()
        }
        (EntryKind::Leftover(_), _) => "an extraction".to_owned(),
        (EntryKind::Stranger, _) => String::new(),
    }
}
