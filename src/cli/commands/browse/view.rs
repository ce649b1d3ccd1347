//! From the state to a frame.
//!
//! Everything that is shown is text that was made safe before. The row with the cursor has a
//! character of its own, and so has a marked one: colours only say again what words and signs say.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use super::canvas::{Canvas, Look, fill_left, to_ascii};
use super::entry::Kind;
use super::list::{List, Row};
use super::model::{Job, Mode, Model};
use super::screen::{Inside, Page, Part, Screen};
use crate::cli::ui::text::{cut, gauge};
use crate::cli::ui::theme::{GAUGE, HEADING, PLAIN, WARNING};
use crate::cli::ui::units::{estimate, number, plural, size};
use crate::escape::Escaped;

/// Fewer columns or lines say nothing.
pub const LEAST_COLUMNS: u16 = 40;
pub const LEAST_LINES: u16 = 8;
/// From so many columns on there is room for the status, and for the last use.
pub const WITH_STATUS: usize = 60;
pub const WITH_USED: usize = 76;
/// The columns of a bar.
pub const BAR: usize = 10;

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

impl Canvas<'_> {
    fn title(&mut self, model: &Model) {
        let amount = match model.screens.last() {
            None => model.total,
            Some(Screen::Inside(inside)) => inside.usage,
            Some(Screen::Page(_)) => None,
        };
        let right = amount.map_or_else(String::new, |amount| size(amount.on_disk()));
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

    fn inside(&mut self, inside: &Inside) {
        let Some(list) = &inside.list else {
            let counted = &inside.counted;
            let files = plural(counted.files as usize, "file");
            self.line(2, &format!("Measuring… {files}"), PLAIN);
            return;
        };
        if list.rows().is_empty() {
            self.line(2, "This directory is empty.", PLAIN);
        }
        self.parts(list);
    }

    fn parts(&mut self, list: &List<Part>) {
        let (height, columns) = (self.height(), self.columns());
        let whole = list.bytes();
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
        let asks = proposal.is_some_and(|proposal| proposal.question.is_some());
        let (text, style) = match (model.mode, asks) {
            (Mode::Leave, _) => (format!("{} [y/N]", model.leave_question()), WARNING),
            (Mode::Filter, _) => (format!("/{}_", Escaped::new(model.filter())), HEADING),
            (_, true) => ("Remove this? [y/N]".to_owned(), WARNING),
            _ => match (&model.note, model.job) {
                (Some(note), _) => (note.clone(), WARNING),
                (None, Some(Job::Comparing)) => ("Comparing…".to_owned(), PLAIN),
                (None, Some(Job::Planning)) => ("Checking whether it is in use…".to_owned(), PLAIN),
                (None, Some(Job::Removing(counted))) => {
                    (format!("Removing… {} files", number(counted.files, true)), PLAIN)
                }
                (None, None) => (about(model), PLAIN),
            },
        };
        self.line(y, &text, style);
    }

    fn keys(&mut self, model: &Model) {
        let y = self.height() + 2;
        let text = match (model.mode, model.screens.last()) {
            (Mode::Filter, _) => "Enter keep  Esc clear",
            (Mode::Leave, _) => "y quit  any other key cancels",
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

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
