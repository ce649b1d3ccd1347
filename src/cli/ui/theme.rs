//! What is shown in which style: by meaning, and never by the style alone; words say the same.
//!
//! Users have chosen the colours of their terminal, and whether it is light or dark. So only the
//! terminal's own colours are used, and of those only the three that can be read on white as on
//! black in the palettes that terminals come with. Yellow and cyan are lost on white, blue is lost on
//! black, and the bright ones are lost on white, too.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

/// Errors.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Warnings.
pub const WARNING: Style = AnsiColor::Magenta.on_default().bold();
/// An image without a reference.
pub const ORPHAN: Style = AnsiColor::Magenta.on_default().bold();
/// Removed, or to be removed.
pub const RECLAIMABLE: Style = AnsiColor::Magenta.on_default();
/// In use or leased.
pub const IN_USE: Style = AnsiColor::Green.on_default();
/// Not part of the cache.
pub const STRANGER: Style = Style::new().dimmed();
/// A bar of proportion, where its row has no style of its own: as little in the way as can be.
pub const GAUGE: Style = Style::new().dimmed();
/// The names of columns.
pub const HEADING: Style = Style::new().bold();
/// Totals.
pub const TOTAL: Style = Style::new().bold();
/// Everything else.
pub const PLAIN: Style = Style::new();
/// Help, and what is wrong with a command line.
pub const HELP: Styles = Styles::styled().error(ERROR).invalid(WARNING);

#[cfg(test)]
mod tests {
    use anstyle::Color;

    use super::*;

    #[test]
    fn every_colour_can_be_read_on_white_and_on_black() {
        let readable = [AnsiColor::Red, AnsiColor::Green, AnsiColor::Magenta].map(Color::Ansi);
        let styles = [ERROR, WARNING, ORPHAN, RECLAIMABLE, IN_USE, STRANGER, HEADING, TOTAL, PLAIN];
        for style in styles {
            let foreground = style.get_fg_color();
            assert!(foreground.is_none_or(|color| readable.contains(&color)), "{foreground:?}");
            assert_eq!(style.get_bg_color(), None);
        }
    }
}
