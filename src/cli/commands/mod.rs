//! The commands, a file or folder each. None imports another.

pub mod completions;
pub mod dedupe;
pub mod dir;
pub mod gc;
pub mod lease;
pub mod list;
pub mod man;
pub mod purge;
pub mod rm;
pub mod show;
pub mod tag;
