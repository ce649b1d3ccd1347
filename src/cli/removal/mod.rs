//! Removals, from a plan to its results: a question, bars, lines and a report.

mod json;
mod lines;
mod progress;
mod question;
mod render;
mod report;
mod run;

pub use lines::{Counts, label, mounted, unremovable, users as users_of};
#[cfg(feature = "tui")]
pub use lines::{Layout, failures};
pub use question::{confirm, decline, purged_images, refuse_changed, wanted};
pub use report::Report;
pub use run::{Removal, carry_out, open_locked, tell, tell_of_uninspected};
