//! The commands, one file or folder each. None imports another.

#[cfg(feature = "tui")]
pub mod browse;
pub mod completions;
pub mod dedupe;
pub mod df;
pub mod diff;
pub mod dir;
pub mod gc;
pub mod lease;
pub mod list;
pub mod man;
pub mod purge;
pub mod rm;
pub mod show;
pub mod tag;
