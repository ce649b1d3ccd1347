//! `df` for people.

use anstyle::Style;
use bytesize::ByteSize;
use indicatif::HumanCount;

use super::items::{Item, Type};
use super::report::{Report, TypeRow};
use crate::cli::ui::cell::Cell;
use crate::cli::ui::table::{Align, Table};
use crate::cli::ui::text::wrap;
use crate::cli::ui::theme::{HEADING, IN_USE, ORPHAN, PLAIN, RECLAIMABLE, TOTAL};
use crate::cli::ui::units::{ago, bytes, narrow_estimate, size, up_to};
use crate::escape::Escaped;
use crate::usage::{Estimate, Usage};

/// The layout of a report.
pub struct Page<'a> {
    pub report: &'a Report<'a>,
    /// The maximum width of a line.
    pub width: Option<usize>,
}

impl Page<'_> {
    /// Renders the table, optionally with a line per item, and with notes.
    pub fn render(&self, with_items: bool, with_notes: bool) -> String {
        let mut text = self.types().render(self.width);
        if with_items && !self.report.items.is_empty() {
            text += &format!("\n{}", self.items().render(self.width));
        }
        if with_notes {
            text += &self.notes();
        }
        text
    }

    fn types(&self) -> Table {
        use Align::{Left, Right};
        let [active, reclaimable, command] = [2, 4, 5];
        let mut table = Table::new([Left, Right, Right, Right, Right, Left]).yielding([
            active,
            command,
            reclaimable,
        ]);
        let by = if self.report.types.iter().any(|row| row.command.is_some()) { "BY" } else { "" };
        table.header(["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE", by]);
        for row in self.report.types.iter().filter(|row| is_shown(row)) {
            let count = HumanCount(row.count as u64).to_string();
            let active = row.active.map(|active| HumanCount(active as u64).to_string());
            let (amount, style) = match row.reclaimable {
                Some(bytes) if row.command.is_some() => (narrow_estimate(bytes), RECLAIMABLE),
                Some(bytes) => (narrow_estimate(bytes), PLAIN),
                None => (String::new(), PLAIN),
            };
            let size = self.size(&row.usage);
            let cells = [title(row.of).to_owned(), count, active.unwrap_or_default(), size];
            let cells = cells.map(Cell::from).into_iter();
            let command = row.command.unwrap_or_default();
            let ends = [Cell::marked(&amount, style, ""), Cell::from(command)];
            table.row(cells.chain(ends), PLAIN);
        }
        let total = self.size(&self.report.total);
        table.row(["total", "", "", &total, "", ""].map(str::to_owned), TOTAL);
        table
    }

    fn items(&self) -> Table {
        use Align::{Left, Right};
        let [of, name, shared, used] = [0, 1, 3, 5];
        let mut table = Table::new([Left, Left, Right, Right, Right, Left, Left])
            .cutting(name)
            .yielding([used, shared, of]);
        let shares = self.report.items.iter().any(shares);
        let [shared, unique] = if shares { ["SHARED", "UNIQUE"] } else { ["", ""] };
        table.header(["TYPE", "NAME", "SIZE", shared, unique, "LAST USED", "STATE"]);
        for item in &self.report.items {
            let amounts = [shared_part(item), item.unique];
            let [shared, unique] =
                amounts.map(|bytes| if shares { narrow_estimate(bytes) } else { String::new() });
            let size = size(item.usage.on_disk());
            let used = ago(self.report.now, item.last_used);
            let name = item.name.clone();
            let cells = [title(item.of).to_owned(), name, size, shared, unique, used];
            let state = Cell::marked(item.state, state_style(item), "");
            table.row(cells.map(Cell::from).into_iter().chain([state]), PLAIN);
        }
        table
    }

    fn size(&self, usage: &Usage) -> String {
        let bytes = usage.on_disk();
        if self.report.may_share { up_to(bytes) } else { size(bytes) }
    }

    fn notes(&self) -> String {
        let mut text = String::new();
        let dead: Vec<_> =
            self.report.items.iter().filter(|item| item.looks_dead.is_some()).collect();
        if !dead.is_empty() {
            text += &format!(
                "\n{HEADING}These look dead.{HEADING:#} They may contain an agent's only work, so look inside before you remove any:\n"
            );
        }
        for item in dead {
            let why = item.looks_dead.as_deref().unwrap_or_default();
            let (path, used) = (Escaped::new(&item.path), ago(self.report.now, item.last_used));
            text += &format!("  {path}, changed {used}: {why}\n");
        }
        if self.report.disk.is_some() || !self.report.offers.is_empty() {
            text.push('\n');
        }
        self.report.offers.iter().for_each(|offer| text += &offer.line());
        if let Some(disk) = &self.report.disk {
            text += &format!("disk {} free\n", bytes(disk.available));
        }
        wrap(&text, self.width, 4)
    }
}

/// Types without items are left out, except for those that every cache has.
fn is_shown(row: &TypeRow) -> bool {
    matches!(row.of, Type::Images | Type::Layers | Type::Leftovers)
        || row.count > 0
        || row.usage.directories + row.usage.files > 0
}

/// The name of a type in the table.
fn title(of: Type) -> &'static str {
    match of {
        Type::Vms => "microVMs",
        Type::Others => "other",
        of => of.name(),
    }
}

/// The part of an item that is shared.
fn shared_part(item: &Item<'_>) -> Estimate {
    let on_disk = item.usage.on_disk().at_least().as_u64();
    let rest = |bytes: ByteSize| ByteSize::b(on_disk.saturating_sub(bytes.as_u64()));
    let (least, most) = (rest(item.unique.at_most().at_least()), rest(item.unique.certain()));
    let more = ByteSize::b(most.as_u64() - least.as_u64());
    Estimate::exactly(least).or_up_to(more)
}

fn shares(item: &Item<'_>) -> bool {
    shared_part(item) != Estimate::default()
}

fn state_style(item: &Item<'_>) -> Style {
    match item.state {
        "in use" | "running" => IN_USE,
        "orphan" | "unreplaced" | "abandoned" | "unreferenced" | "crashed" | "no sentinel" => {
            ORPHAN
        }
        _ => PLAIN,
    }
}
