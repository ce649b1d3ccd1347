//! What else Brood Box keeps on this machine, beside its image cache.
//!
//! Its cache home has folders for firmware, for the parts of its own program that it extracts (`runtime`) and for
//! snapshots of workspaces; each microVM has a folder with its clone of an image. All of that is looked
//! at and never touched: a snapshot or the folder of a microVM may hold an agent's only work.

mod list;
mod tree;
mod vm_state;

pub use list::{Beside, BesideItem, BesideKind};
pub use tree::OutsideTree;
pub use vm_state::VmState;
