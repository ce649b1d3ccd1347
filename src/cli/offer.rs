//! The line that says what could be had, and by which command.

use super::ui::theme::RECLAIMABLE;
use super::ui::units::{estimate, up_to};
use crate::usage::Estimate;

/// What some things hold that a command would remove.
pub struct Offer {
    /// Like `2 orphans`.
    pub what: String,
    /// Whether that is a single one.
    pub is_one: bool,
    pub bytes: Estimate,
    /// Whether it was asked what files share.
    pub reads_extents: bool,
    pub command: String,
}

impl Offer {
    pub fn line(&self) -> String {
        let Self { what, bytes, command, .. } = self;
        let verb = if self.is_one { "holds" } else { "hold" };
        if !self.reads_extents && !bytes.is_one_figure() {
            let bytes = reclaimable(&up_to(*bytes));
            return format!(
                "{what} {verb} {bytes}: `{command}` gives back what nobody else holds\n"
            );
        }
        let bytes = reclaimable(&estimate(*bytes));
        format!("{what} {verb} {bytes}: `{command}` gives it back\n")
    }
}

fn reclaimable(bytes: &str) -> String {
    format!("{RECLAIMABLE}{bytes}{RECLAIMABLE:#}")
}
