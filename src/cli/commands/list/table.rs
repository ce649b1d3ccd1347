//! The table of `list`.

use anstyle::Style;
use indicatif::HumanCount;

use super::cells::{about_layers, called, name, purpose, status};
use super::listing::Listing;
use super::summary;
use crate::cache::EntryKind;
use crate::cli::args::List;
use crate::cli::image_row::Row;
use crate::cli::ui::cell::Cell;
use crate::cli::ui::table::{Align, Table};
use crate::cli::ui::text::{gauge, wrap};
use crate::cli::ui::theme::{GAUGE, PLAIN, RECLAIMABLE, STRANGER, TOTAL};
use crate::cli::ui::units::{ago, narrow_estimate, size};
use crate::usage::{Estimate, Usage};

/// The width of a proportional bar.
const GAUGE_WIDTH: usize = 8;

/// The digests of the images, one per line.
pub fn digests(listing: &Listing<'_>) -> String {
    let digests = listing.images.iter().filter_map(Row::digest);
    digests.map(|digest| format!("{digest}\n")).collect()
}

/// A listing with its layout.
pub struct Page<'a> {
    listing: &'a Listing<'a>,
    /// Whether it is the full report.
    is_account: bool,
    /// Whether names are never shortened.
    is_whole: bool,
    /// The maximum length of a line.
    width: Option<usize>,
    /// Whether to draw bars: only on a terminal.
    has_gauges: bool,
}

/// The index of the column ON DISK.
const ON_DISK: usize = 2;

impl<'a> Page<'a> {
    /// The layout for a terminal with this many columns, if there is one.
    pub fn new(listing: &'a Listing<'a>, args: &List, terminal: Option<usize>) -> Self {
        let (is_account, is_whole) = (args.sizes, args.no_trunc);
        let width = terminal.filter(|_| !is_whole);
        Self { listing, is_account, is_whole, width, has_gauges: terminal.is_some() }
    }

    pub fn render(&self) -> String {
        let Self { listing, width, .. } = *self;
        if listing.inventory.entries.is_empty() && listing.inventory.refs.is_empty() {
            return format!("{}\n", wrap(&listing.emptiness, width, 2));
        }
        let table = if self.is_account { self.account() } else { self.overview() };
        let text = table.render(width);
        let gap = if text.is_empty() { "" } else { "\n" };
        text + gap + &summary::render(listing, width)
    }

    fn overview(&self) -> Table {
        use Align::{Left, Right};
        let [image_column, size_column, used_column, status_column] = [0, 2, 3, 4];
        let table = Table::new([Left, Left, Right, Left, Left]);
        let mut table =
            table.cutting(image_column).yielding([used_column, status_column, size_column]);
        let listing = self.listing;
        if !listing.images.is_empty() {
            let size = if listing.cache_usage.is_some() { "SIZE" } else { "" };
            table.header(["IMAGE", "ID", size, "LAST USED", "STATUS"]);
        }
        for row in &listing.images {
            let size = row.usage.map_or_else(String::new, |usage| size(usage.on_disk()));
            let used = ago(listing.now, row.entry.last_used);
            let (status, style) = status(listing, row);
            let cells = [called(listing, row, self.is_whole), name(row, self.is_whole), size, used];
            let cells = cells.map(Cell::from).into_iter();
            table.row(cells.chain([Cell::marked(status, style, "")]), PLAIN);
        }
        table
    }

    /// The full report: one section per kind of entry, all with the same columns.
    fn account(&self) -> Table {
        use Align::{Left, Right};
        let [apparent, gauge, unique, files, directories, used, layers] = [1, 3, 4, 5, 6, 7, 8];
        let columns = [Left, Right, Right, Left, Right, Right, Right, Left, Left, Left];
        let mut table = Table::new(columns)
            .sparing([directories, files, apparent, gauge])
            .yielding([layers, used, unique]);
        let listing = self.listing;
        let biggest = listing.rows().filter_map(Row::on_disk).max().unwrap_or_default().as_u64();
        let sections = [
            ("ID", "LAST USED", "LAYERS", "IMAGE", &listing.images),
            ("LAYER", "LAST USED", "STATUS", "WHY", &listing.layers),
            ("LEFTOVER", "LAST CHANGED", "", "OF", &listing.leftovers),
            ("OTHER", "LAST CHANGED", "", "", &listing.foreign),
        ];
        for (first, time, layers, last, rows) in sections {
            if !rows.is_empty() {
                let unique = if self.has_unique() { "UNIQUE" } else { "" };
                let amounts = ["APPARENT", "ON DISK", "", unique, "FILES", "DIRS"];
                let [apparent, on_disk, gauge, unique, files, dirs] = amounts;
                table.header([
                    first, apparent, on_disk, gauge, unique, files, dirs, time, layers, last,
                ]);
            }
            rows.iter().for_each(|row| table.row(self.entry(row, biggest), Self::style(row)));
        }
        self.totals(&mut table);
        table
    }

    /// The row of an entry in the full report.
    fn entry(&self, row: &Row<'_>, biggest: u64) -> Vec<Cell> {
        let listing = self.listing;
        let time = match row.entry.kind {
            EntryKind::Image(_) | EntryKind::Layer(_) => row.entry.last_used,
            EntryKind::Leftover(_) | EntryKind::Foreign => row.last_changed,
        };
        let (usage, unique) = (row.usage.unwrap_or_default(), row.unique.unwrap_or_default());
        let bar = if listing.is_reclaimable(row.entry) { RECLAIMABLE } else { GAUGE };
        let bar = Cell::marked(&self.gauge(&usage, biggest), bar, "");
        let mut cells = self.amounts(name(row, self.is_whole), &usage, bar, unique);
        cells.extend([ago(listing.now, time).into(), about_layers(listing, row)]);
        cells.push(purpose(listing, row, self.is_whole));
        cells
    }

    fn totals(&self, table: &mut Table) {
        let listing = self.listing;
        let Some(cache_usage) = listing.cache_usage else { return };
        let of = |kind: fn(&EntryKind) -> bool| {
            (listing.total(kind).unwrap_or_default(), listing.unique(kind).unwrap_or_default())
        };
        let unique = if self.has_unique() { "UNIQUE" } else { "" };
        table.header(["TOTAL", "APPARENT", "ON DISK", "", unique, "FILES", "DIRS", "", "", ""]);
        let parts = [
            ("images", of(|kind| matches!(kind, EntryKind::Image(_)))),
            ("layers", of(|kind| matches!(kind, EntryKind::Layer(_)))),
            ("leftovers", of(|kind| matches!(kind, EntryKind::Leftover(_)))),
            ("other", of(|kind| matches!(kind, EntryKind::Foreign))),
            ("index", (cache_usage.index(), cache_usage.index_unique())),
        ];
        let (total, unique) = (cache_usage.total(), cache_usage.total_unique());
        let amounts = |name: &str, usage: &Usage, unique| {
            let bar =
                Cell::marked(&self.gauge(usage, total.on_disk().at_least().as_u64()), GAUGE, "");
            let mut cells = self.amounts(name.to_owned(), usage, bar, unique);
            cells[ON_DISK] = Cell::from(listing.shown_sum(usage.on_disk()));
            cells
        };
        let parts = parts.iter().filter(|(_, (usage, _))| usage.directories + usage.files > 0);
        for (name, (usage, unique)) in parts {
            table.row(amounts(name, usage, *unique), PLAIN);
        }
        table.row(amounts("everything", &total, unique), TOTAL);
    }

    /// A bar that shows a size on disk in relation to `whole`.
    fn gauge(&self, usage: &Usage, whole: u64) -> String {
        if self.has_gauges {
            gauge(usage.on_disk().at_least().as_u64(), whole, GAUGE_WIDTH)
        } else {
            String::new()
        }
    }

    /// Dims entries that are not part of the cache.
    fn style(row: &Row<'_>) -> Style {
        if row.entry.kind == EntryKind::Foreign { STRANGER } else { PLAIN }
    }

    /// Whether any files share data: otherwise UNIQUE would repeat ON DISK.
    fn has_unique(&self) -> bool {
        let sharing = |row: &Row<'_>| {
            let on_disk = row.on_disk()?;
            row.unique.filter(|unique| !unique.is_one_figure() || unique.certain() != on_disk)
        };
        self.listing.rows().any(|row| sharing(row).is_some())
    }

    /// The name and the columns with numbers, the third of which is [`ON_DISK`].
    fn amounts(&self, name: String, usage: &Usage, bar: Cell, unique: Estimate) -> Vec<Cell> {
        let [apparent, on_disk] = [usage.apparent(), usage.on_disk()].map(size);
        let unique = if self.has_unique() { narrow_estimate(unique) } else { String::new() };
        let [files, directories] =
            [usage.files, usage.directories].map(|number| HumanCount(number).to_string());
        let [name, apparent, on_disk] = [name, apparent, on_disk].map(Cell::from);
        let [unique, files, directories] = [unique, files, directories].map(Cell::from);
        vec![name, apparent, on_disk, bar, unique, files, directories]
    }
}
