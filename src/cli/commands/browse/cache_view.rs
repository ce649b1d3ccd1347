//! The first screen: the entries of the cache.

use unicode_width::UnicodeWidthStr;

use super::canvas::{Canvas, fill_left};
use super::entry::{Entry, Kind, Tone};
use super::list::{Key, Row};
use super::model::Model;
use super::view::{BAR, WITH_STATUS, WITH_USED};
use crate::cli::ui::text::{gauge, pad};
use crate::cli::ui::theme::{GAUGE, HEADING, IN_USE, ORPHAN, PLAIN, RECLAIMABLE, STRANGER};
use crate::cli::ui::units::{ago, estimate, size};

/// From so many columns on there is room for what is unique, and for a bar.
const WITH_UNIQUE: usize = 96;
const WITH_BAR: usize = 116;

impl Canvas<'_> {
    pub fn cache(&mut self, model: &Model) {
        if model.entries.rows().is_empty() {
            let text = if model.is_listed { "No images here yet." } else { "Loading…" };
            self.line(2, text, PLAIN);
            return;
        }
        let (height, columns) = (self.height(), self.columns());
        let rows: Vec<_> = model.entries.visible().take(height).map(|(_, row)| row).collect();
        let layout = Layout::new(&rows, columns);
        let biggest = model.entries.rows().iter().filter_map(Row::bytes).max().unwrap_or(0);
        let current = model.entries.place();
        let (mut y, mut group) = (1, None);
        for (place, row) in model.entries.visible() {
            if group.replace(row.kind) != Some(row.kind) {
                self.heading(y, row.kind, &layout, model);
                y += 1;
            }
            if y > height {
                break;
            }
            let marked = model.marked.contains(&row.at);
            self.entry(y, row, (place == current, marked), &layout, biggest, model);
            y += 1;
        }
    }

    fn heading(&mut self, y: usize, kind: Kind, layout: &Layout, model: &Model) {
        if y > self.height() {
            return;
        }
        let name = match kind {
            Kind::Image => "IMAGE",
            Kind::Layer => "LAYER",
            Kind::Leftover => "LEFTOVER",
            Kind::Other => "OTHER",
        };
        let (key, is_reversed) = model.entries.order();
        let arrow = if is_reversed { "^ " } else { "v " };
        let sign = |of: Key| if of == key { arrow } else { "" };
        let mut x = self.text(
            3,
            y,
            &fill_left(&format!("{}ON DISK", sign(Key::Size)), layout.size),
            HEADING,
        );
        if layout.bar > 0 {
            x += layout.bar + 2;
        }
        if layout.unique > 0 {
            x = self.text(x + 2, y, &fill_left("UNIQUE", layout.unique), HEADING);
        }
        if layout.used > 0 {
            let used = format!("{}LAST USED", sign(Key::Used));
            x = self.text(x + 2, y, &pad(&used, layout.used), HEADING);
        }
        if layout.status > 0 {
            x = self.text(x + 2, y, &pad("STATUS", layout.status), HEADING);
        }
        let name = format!("{}{name}", sign(Key::Name));
        self.text(x + 2, y, &name, HEADING);
    }

    fn entry(
        &mut self,
        y: usize,
        row: &Entry,
        (is_current, is_marked): (bool, bool),
        layout: &Layout,
        biggest: u64,
        model: &Model,
    ) {
        let tone = tone(row.tone);
        self.signs(y, is_current, is_marked);
        let mut x = self.text(3, y, &fill_left(&shown_size(row), layout.size), tone);
        if layout.bar > 0 {
            let bar = gauge(row.bytes().unwrap_or(0), biggest, layout.bar);
            self.text(x + 2, y, &bar, if row.tone == Tone::Reclaimable { tone } else { GAUGE });
            x += 2 + layout.bar;
        }
        if layout.unique > 0 {
            let unique = fill_left(&shown_unique(row), layout.unique);
            x = self.text(x + 2, y, &unique, tone);
        }
        if layout.used > 0 {
            x = self.text(x + 2, y, &pad(&ago(model.now, row.last_used), layout.used), tone);
        }
        let status = if row.status == "live" { "" } else { &row.status };
        if layout.status > 0 {
            x = self.text(x + 2, y, &pad(status, layout.status), tone);
        }
        let name = row.name();
        if self.columns() >= WITH_USED && name != row.label {
            x = self.text(x + 2, y, &row.label, tone);
        }
        x += 2;
        // On its own: only the name is cut.
        if layout.status == 0 && !status.is_empty() {
            x = self.text(x, y, &format!("({status}) "), tone);
        }
        self.text(x, y, name, tone);
        if is_current {
            self.invert(y);
        }
    }
}

/// How wide the columns are; 0 for one that is left out.
struct Layout {
    size: usize,
    bar: usize,
    unique: usize,
    used: usize,
    status: usize,
}

impl Layout {
    fn new(rows: &[&Entry], columns: usize) -> Self {
        let widest = |text: fn(&Entry) -> String, least: usize| {
            rows.iter().map(|row| text(row).width()).max().unwrap_or(0).max(least)
        };
        let when = |least: usize, width: usize| if columns >= least { width } else { 0 };
        Self {
            size: widest(shown_size, 9),
            bar: when(WITH_BAR, BAR),
            unique: when(WITH_UNIQUE, widest(shown_unique, 9)),
            used: when(WITH_USED, 13),
            status: when(WITH_STATUS, widest(|row| row.status.clone(), 6)),
        }
    }
}

fn shown_size(row: &Entry) -> String {
    row.known.counted().map_or_else(|| "-".to_owned(), |usage| size(usage.on_disk()))
}

fn shown_unique(row: &Entry) -> String {
    row.known.unique.map_or_else(|| "-".to_owned(), estimate)
}

fn tone(tone: Tone) -> anstyle::Style {
    match tone {
        Tone::Plain => PLAIN,
        Tone::Orphan => ORPHAN,
        Tone::InUse => IN_USE,
        Tone::Reclaimable => RECLAIMABLE,
        Tone::Faint => STRANGER,
    }
}
