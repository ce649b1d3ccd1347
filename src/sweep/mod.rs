//! Make it gone.
//!
//! A sweep carries out a plan in these steps:
//!
//! 1. What an interrupted collection had hidden and a ref names goes back to its place.
//! 2. The refs are read again, since the plan may have waited for a while. Then each image to remove
//!    is asked for (it may be leased) and renamed, in its own folder, to `tmp-gc-<name>`. That is
//!    one step for every reader: an entry is whole under its name or not there under its name.
//!    Layers, dead extractions and refs to nothing go the same way.
//! 3. The refs are read once more, and the running processes looked at. What is named, used or
//!    touched by now is renamed back, and with an image the layers that were to go.
//! 4. The images left get the name `tmp-gc-dead-<name>`, from which nothing comes back. These are the
//!    `STEPS` in `trash.rs` and `rescue.rs`.
//! 5. The renamed trees are deleted in parallel (`remove.rs`).
//!
//! Whatever interrupts it leaves whole entries or `tmp-gc-*`, which the next collection finishes
//! and which the owner of the cache, too, takes for rubbish. What a purge removes goes whatever
//! names it, and so skips the steps that look for a reason to keep it.

mod backlog;
mod crew;
mod files;
mod freed;
mod in_place;
#[cfg(test)]
mod model_tests;
mod names;
mod node;
mod obstacle;
mod outcome;
mod pace;
mod remove;
mod remove_folders;
mod rescue;
mod rounds;
mod target;
mod trash;
#[cfg(test)]
mod trash_tests;
mod tree;

pub use outcome::{Event, Outcome, RemovalResult};
pub use remove_folders::{RemovedFolders, folder_bytes, remove_folders, unlock_folders};
pub use rounds::sweep;
pub(crate) use rounds::sweep_and_count;
