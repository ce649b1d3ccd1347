//! From the state to a frame.
//!
//! Everything that is shown is text that was made safe before. The row with the cursor has a character of its own, and
//! so has a marked one: colours only say again what words and signs say.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::entry::{Entry, Kind, Tone};
use super::list::{Key, List, Row};
use super::model::{Job, Mode, Model};
use super::screen::{Inside, Page, Part, Screen};
use crate::cli::ui::text::{cut, gauge, pad};
use crate::cli::ui::theme::{
    GAUGE, HEADING, IN_USE, ORPHAN, PLAIN, RECLAIMABLE, STRANGER, WARNING,
};
use crate::cli::ui::units::{ago, estimate, number, plural, size};
use crate::escape::Escaped;

/// Fewer columns or lines say nothing.
pub const LEAST_COLUMNS: u16 = 40;
pub const LEAST_LINES: u16 = 8;
/// From so many columns on there is room for the last use, the status, a bar, what is unique.
const WITH_STATUS: usize = 60;
const WITH_USED: usize = 76;
const WITH_UNIQUE: usize = 96;
const WITH_BAR: usize = 116;
const BAR: usize = 10;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub has_colors: bool,
    /// Whether only ASCII is sure to be shown.
    pub is_ascii: bool,
}

/// Draws the whole frame.
pub fn draw(model: &Model, look: Look, frame: &mut Buffer) {
    let area = frame.area;
    let mut canvas = Canvas { frame, look };
    if area.width < LEAST_COLUMNS || area.height < LEAST_LINES {
        canvas.line(0, "too small: 40x8 needed", PLAIN);
    } else {
        canvas.title(model);
        match model.screens.last() {
            None => canvas.cache(model),
            Some(Screen::Inside(inside)) => canvas.inside(inside),
            Some(Screen::Page(page)) => canvas.page(page),
        }
        canvas.status(model);
        canvas.keys(model);
    }
    if look.is_ascii {
        to_ascii(frame);
    }
}

/// A frame, and what can be shown on it.
struct Canvas<'a> {
    frame: &'a mut Buffer,
    look: Look,
}

impl Canvas<'_> {
    fn area(&self) -> Rect {
        self.frame.area
    }

    fn columns(&self) -> usize {
        self.area().width.into()
    }

    /// The lines of a list or a page: below the title, above status and keys.
    fn height(&self) -> usize {
        usize::from(self.area().height).saturating_sub(3)
    }

    /// Writes a line from its beginning, in one style.
    fn line(&mut self, y: usize, text: &str, style: anstyle::Style) {
        self.text(0, y, text, style);
    }

    /// Writes a text at a column, and returns the column behind it.
    fn text(&mut self, x: usize, y: usize, text: &str, style: anstyle::Style) -> usize {
        let room = self.columns().saturating_sub(x);
        if room == 0 || y >= usize::from(self.area().height) {
            return x;
        }
        let (column, line) = (x as u16, y as u16);
        let style = terminal_style(style, self.look.has_colors);
        let (end, _) = self.frame.set_stringn(column, line, cut(text, room), room, style);
        end.into()
    }

    /// Shows a whole line in reverse.
    fn invert(&mut self, y: usize) {
        let area = Rect { y: y as u16, height: 1, ..self.area() };
        self.frame.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    }

    fn title(&mut self, model: &Model) {
        let right = match &model.total {
            Some(total) => size(total.on_disk()),
            None => String::new(),
        };
        let place = match model.screens.last() {
            None => model.directory.clone(),
            Some(Screen::Inside(Inside { image, path, .. })) => {
                format!("{image} /{}", Escaped::new(path))
            }
            Some(Screen::Page(page)) => page.title.clone(),
        };
        let room = self.columns().saturating_sub(right.width() + 2);
        self.line(0, &cut(&place, room), HEADING);
        let x = self.columns().saturating_sub(right.width());
        self.text(x, 0, &right, HEADING);
    }

    fn cache(&mut self, model: &Model) {
        if model.entries.rows().is_empty() {
            let text = if model.is_listed { "No images here yet." } else { "Looking…" };
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
        let arrow = if is_reversed { "^" } else { "v" };
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
        let name = match (layout.status, status) {
            (0, status) if !status.is_empty() => format!("({status}) {name}"),
            _ => name.to_owned(),
        };
        if self.columns() >= WITH_USED && name != row.label {
            x = self.text(x + 2, y, &row.label, tone);
        }
        self.text(x + 2, y, &name, tone);
        if is_current {
            self.invert(y);
        }
    }

    /// What stands before a row: whether the cursor is on it, and whether it is marked.
    fn signs(&mut self, y: usize, is_current: bool, is_marked: bool) {
        let current = if is_current { ">" } else { " " };
        let marked = if is_marked { "*" } else { " " };
        self.text(0, y, &format!("{current}{marked} "), HEADING);
    }

    fn inside(&mut self, inside: &Inside) {
        let Some(list) = &inside.list else {
            let counted = &inside.counted;
            let files = plural(counted.files as usize, "file");
            self.line(2, &format!("Measuring… {files}"), PLAIN);
            return;
        };
        if list.rows().is_empty() {
            self.line(2, "Nothing in here.", PLAIN);
        }
        self.parts(list);
    }

    fn parts(&mut self, list: &List<Part>) {
        let (height, columns) = (self.height(), self.columns());
        let whole = list.rows().iter().filter_map(Row::bytes).sum::<u64>();
        let visible = || list.visible().take(height.saturating_sub(1));
        let sizes = visible().map(|(_, part)| size(part.usage.on_disk()).width());
        let width = sizes.max().unwrap_or(0).max("ON DISK".len());
        let bar = if columns >= WITH_USED { 20 } else { BAR };
        let with_files = columns >= WITH_USED;
        let mut x = self.text(3, 1, &fill_left("ON DISK", width), HEADING) + bar + 9;
        if with_files {
            x = self.text(x, 1, &fill_left("FILES", 9), HEADING) + 2;
        }
        self.text(x, 1, "NAME", HEADING);
        let current = list.place();
        for (y, (place, part)) in visible().enumerate() {
            let y = y + 2;
            self.signs(y, place == current, false);
            let bytes = part.bytes().unwrap_or(0);
            let mut x = self.text(3, y, &fill_left(&size(part.usage.on_disk()), width), PLAIN);
            let percent = 100.0 * bytes as f64 / whole.max(1) as f64;
            x = self.text(x, y, &format!("{percent:>4.0}%  "), PLAIN);
            self.text(x, y, &gauge(bytes, whole, bar), GAUGE);
            x += bar + 2;
            if with_files {
                let files = number(part.usage.files, true);
                let files = if part.path.is_some() { files } else { String::new() };
                x = self.text(x, y, &fill_left(&files, 9), PLAIN) + 2;
            }
            let other = if part.has_other_names { " (hard link)" } else { "" };
            self.text(x, y, &format!("{}{other}", part.label), PLAIN);
            if place == current {
                self.invert(y);
            }
        }
    }

    fn page(&mut self, page: &Page) {
        let lines = page.wrapped(self.columns());
        let lines = lines.iter().skip(page.scrolled).take(self.height());
        for (y, line) in lines.enumerate() {
            self.line(y + 1, line, PLAIN);
        }
    }

    /// The line above the keys: what is asked, what went wrong, what is at work, what is marked.
    fn status(&mut self, model: &Model) {
        let y = self.height() + 1;
        let proposal = match model.screens.last() {
            Some(Screen::Page(page)) => page.proposal.as_ref(),
            _ => None,
        };
        let question = proposal.and_then(|proposal| proposal.question.as_ref());
        let (text, style) = match (model.mode, question) {
            (Mode::Leave, _) => (self.question(&model.leave_question()), WARNING),
            (Mode::Filter, _) => (format!("/{}_", Escaped::new(model.filter())), HEADING),
            (_, Some(question)) => (self.question(question), WARNING),
            _ => match (&model.note, model.job) {
                (Some(note), _) => (note.clone(), WARNING),
                (None, Some(Job::Planning)) => ("Looking who needs it…".to_owned(), PLAIN),
                (None, Some(Job::Removing(counted))) => {
                    (format!("Removing… {} files", number(counted.files, true)), PLAIN)
                }
                (None, None) => (about(model), PLAIN),
            },
        };
        self.line(y, &text, style);
    }

    /// A question, which may be cut, with its answers, which are not.
    fn question(&self, question: &str) -> String {
        const ANSWERS: &str = " [y/N]";
        cut(question, self.columns().saturating_sub(ANSWERS.len())) + ANSWERS
    }

    fn keys(&mut self, model: &Model) {
        let y = self.height() + 2;
        let text = match (model.mode, model.screens.last()) {
            (Mode::Filter, _) => "Enter keep  Esc clear",
            (Mode::Leave, _) => "y quit  any other key stays",
            (_, Some(Screen::Page(Page { proposal: Some(proposal), .. })))
                if proposal.question.is_some() =>
            {
                "y remove  Enter, Esc or n cancel"
            }
            (_, Some(Screen::Page(_))) => "Esc back  q quit",
            (_, Some(Screen::Inside(_))) => "? help  Enter open  Esc back  q quit",
            _ if self.columns() < WITH_STATUS => "? help  Enter open  q quit",
            _ if model.read_only => "? help  Enter open  i info  / filter  q quit",
            _ => "? help  Enter open  Space mark  d remove  q quit",
        };
        self.line(y, text, GAUGE);
    }
}

/// What the cache screen says of the whole.
fn about(model: &Model) -> String {
    let mut parts = Vec::new();
    if !model.marked.is_empty() {
        let count = format!("{} marked", model.marked.len());
        parts.push(match model.frees {
            Some(frees) => format!("{count}, removing frees {}", estimate(frees)),
            None => count,
        });
    }
    match model.measuring {
        Some((done, all)) if all > 0 => parts.push(format!("measuring {done} of {all} (x stops)")),
        Some(_) => parts.push("measuring…".to_owned()),
        None => {}
    }
    let filter = model.filter();
    if !filter.is_empty() {
        parts.push(format!("filter: {}", Escaped::new(filter)));
    }
    if parts.is_empty() && model.screens.is_empty() && model.is_listed {
        let entries = model.entries.rows().iter();
        let images = entries.filter(|entry| entry.kind == Kind::Image && !entry.is_gone).count();
        parts.push(plural(images, "image"));
    }
    parts.join(", ")
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

fn fill_left(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.width())) + text
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

/// A style of the theme in the terminal's words.
fn terminal_style(style: anstyle::Style, has_colors: bool) -> Style {
    let mut found = Style::new();
    let effects = style.get_effects();
    if effects.contains(anstyle::Effects::BOLD) {
        found = found.add_modifier(Modifier::BOLD);
    }
    if effects.contains(anstyle::Effects::DIMMED) {
        found = found.add_modifier(Modifier::DIM);
    }
    match style.get_fg_color() {
        Some(anstyle::Color::Ansi(color)) if has_colors => found.fg(match color {
            anstyle::AnsiColor::Red => Color::Red,
            anstyle::AnsiColor::Green => Color::Green,
            anstyle::AnsiColor::Magenta => Color::Magenta,
            _ => Color::Reset,
        }),
        _ => found,
    }
}

/// Replaces what an ASCII terminal cannot show.
fn to_ascii(frame: &mut Buffer) {
    for cell in &mut frame.content {
        let ascii = match cell.symbol() {
            symbol if symbol.is_ascii() => continue,
            "…" => ".",
            "–" => "-",
            "█" | "▉" | "▊" | "▋" | "▌" => "#",
            "▏" | "▎" | "▍" => "|",
            _ => "?",
        };
        cell.set_symbol(ascii);
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
