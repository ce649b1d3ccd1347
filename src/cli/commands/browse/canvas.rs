//! A frame that texts are written on, in the styles of the theme.

use std::io;

use anstream::{AutoStream, ColorChoice};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::cli::context::Context;
use crate::cli::ui::text::cut;
use crate::cli::ui::theme::HEADING;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub has_colors: bool,
    /// Whether only ASCII is sure to be shown.
    pub is_ascii: bool,
}

impl Look {
    /// According to the user's settings and the locale.
    pub fn new(context: &Context<'_>) -> Self {
        let has_colors = match context.console.color {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            choice => choice != ColorChoice::Never,
        };
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_lowercase();
        Self { has_colors, is_ascii: !locale.contains("utf-8") && !locale.contains("utf8") }
    }
}

/// A frame, and what can be shown on it.
pub struct Canvas<'a> {
    pub frame: &'a mut Buffer,
    pub look: Look,
}

impl Canvas<'_> {
    pub fn area(&self) -> Rect {
        self.frame.area
    }

    pub fn columns(&self) -> usize {
        self.area().width.into()
    }

    /// The lines of a list or a page: below the title, above status and keys.
    pub fn height(&self) -> usize {
        usize::from(self.area().height).saturating_sub(3)
    }

    /// Writes a line from its beginning, in one style.
    pub fn line(&mut self, y: usize, text: &str, style: anstyle::Style) {
        self.text(0, y, text, style);
    }

    /// Writes a text at a column, and returns the column behind it.
    pub fn text(&mut self, x: usize, y: usize, text: &str, style: anstyle::Style) -> usize {
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
    pub fn invert(&mut self, y: usize) {
        let area = Rect { y: y as u16, height: 1, ..self.area() };
        self.frame.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    }

    /// What stands before a row: whether the cursor is on it, and whether it is marked.
    pub fn signs(&mut self, y: usize, is_current: bool, is_marked: bool) {
        let current = if is_current { ">" } else { " " };
        let marked = if is_marked { "*" } else { " " };
        self.text(0, y, &format!("{current}{marked} "), HEADING);
    }
}

/// A text with blanks before it.
pub fn fill_left(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.width())) + text
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
pub fn to_ascii(frame: &mut Buffer) {
    for cell in &mut frame.content {
        let ascii = match cell.symbol() {
            symbol if symbol.is_ascii() => continue,
            "…" => "~",
            "–" => "-",
            "█" | "▉" | "▊" | "▋" | "▌" => "#",
            "▏" | "▎" | "▍" => "|",
            _ => "?",
        };
        cell.set_symbol(ascii);
    }
}
