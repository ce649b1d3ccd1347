//! Processes on Linux: `/proc`, one process at a time.
//!
//! Each thread has at most three descriptors open at once, whatever the limit and however many
//! processes there are. Links are read but never followed, because the file system they lead to may
//! not answer.

mod follow;
mod inspection;
mod kernel;
mod links;
mod locks;
mod look;
mod namespaces;
mod newlines;
mod own_runs;
mod process;
mod seen;
mod threads;
mod unseen;
mod view;

pub use locks::lock_holder;
pub use look::{look, mounted, unanswering_mounts};
#[cfg(feature = "cli")]
pub use own_runs::announce;
