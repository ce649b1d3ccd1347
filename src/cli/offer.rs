//! The line that says what could be had, and by which command.

use super::ui::theme::RECLAIMABLE;
use super::ui::units::{estimate, size};
use crate::usage::Estimate;

/// What some things hold that a command would remove.
pub struct Offer {
    /// Like `2 orphans`.
    pub what: String,
    /// Whether that is a single one.
    pub is_one: bool,
    pub bytes: Estimate,
    /// Whether all of it could be measured.
    pub is_complete: bool,
    /// Whether it was asked what files share.
    pub reads_extents: bool,
    pub command: String,
}

impl Offer {
    pub fn line(&self) -> String {
        let Self { what, bytes, command, .. } = self;
        let verb = if self.is_one { "holds" } else { "hold" };
        if !self.reads_extents && !bytes.is_exact() {
            let bytes = reclaimable(&format!("up to {}", size(bytes.at_most)));
            return format!(
                "{what} {verb} {bytes}: `{command}` gives back what nobody else holds\n"
            );
        }
        let at_least = if self.is_complete { "" } else { "at least " };
        let bytes = reclaimable(&format!("{at_least}{}", estimate(*bytes)));
        format!("{what} {verb} {bytes}: `{command}` gives it back\n")
    }
}

fn reclaimable(bytes: &str) -> String {
    format!("{RECLAIMABLE}{bytes}{RECLAIMABLE:#}")
}
