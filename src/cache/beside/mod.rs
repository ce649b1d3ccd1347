//! What Brood Box keeps on this machine besides its image cache.
//!
//! Its cache home has folders for firmware, for extracted parts of its own program (`runtime`), and
//! for snapshots of workspaces. Each microVM has a folder with its clone of an image. All of this
//! is only inspected, never changed: a snapshot or a microVM may contain an agent's only work.

mod list;
mod tree;
mod vm_state;

pub use list::{Beside, BesideItem, BesideKind};
pub use tree::OutsideTree;
pub use vm_state::VmState;
