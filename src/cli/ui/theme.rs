//! Styles by meaning. A style never carries information on its own; words say the same.
//!
//! Users choose the colours of their terminal, light or dark. So only the terminal's own colours
//! are used, and only the three that are readable on both white and black in the common palettes.
//! Yellow and cyan are unreadable on white, blue on black, and the bright ones on white, too.

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
/// A proportional bar, unless its row has a style of its own: as unobtrusive as possible.
pub const GAUGE: Style = Style::new().dimmed();
/// Column headers.
pub const HEADING: Style = Style::new().bold();
/// Totals.
pub const TOTAL: Style = Style::new().bold();
/// Everything else.
pub const PLAIN: Style = Style::new();
/// Help texts and usage errors.
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
