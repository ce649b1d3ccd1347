//! Carries out plans.
//!
//! A sweep works in these steps:
//!
//! 1. Items that an interrupted collection had hidden and that a ref points at are restored.
//! 2. The refs are read again, since the plan may be some time old. Then each image to remove is
//!    claimed (it may be leased) and renamed, within its folder, to `tmp-gc-<name>`. That is one
//!    step for every reader: an entry is whole under its name, or not there under its name. Layers,
//!    abandoned extractions and dangling refs are renamed in the same way.
//! 3. The refs are read once more, and processes are checked. Anything referenced, used or touched
//!    by now is renamed back, and together with an image the layers that were to be removed.
//! 4. The remaining images are renamed to `tmp-gc-dead-<name>`, from which nothing is restored.
//!    Steps 1 to 4 are the `STEPS` in `trash.rs` and `rescue.rs`.
//! 5. The renamed trees are deleted in parallel (`remove.rs`).
//!
//! An interruption at any point leaves whole entries or `tmp-gc-*` names. The next collection
//! finishes these, and the owner of the cache treats them as garbage, too. A purge removes items
//! whatever points at them, so it skips the steps that look for a reason to keep one.

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
mod step;
mod target;
mod trash;
#[cfg(test)]
mod trash_tests;
mod tree;

pub use outcome::{Event, Outcome, RemovalResult};
pub use remove_folders::{RemovedFolders, folder_bytes, remove_folders, unlock_folders};
pub use rounds::sweep;
pub(crate) use rounds::sweep_and_count;
