//! The verbs and their options.

mod look;
mod other;
mod remove;
mod shared;
mod verb;

#[cfg(feature = "tui")]
pub use look::Browse;
pub use look::{Df, Diff, List, Show, Sort};
pub use other::{Completions, Dir, Lease, Man, Shell, Tag, Untag};
pub use remove::{Dedupe, Gc, Layers, Purge, Rm};
pub use shared::{Color, Format, Shared};
pub use verb::Verb;
