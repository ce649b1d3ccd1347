//! The cache on disk.
//!
//! A [`Cache`] is an open directory. Everything in it is reached from there, one name at a time, so
//! nothing outside can be touched, whatever the cache contains. Only the directory itself may be
//! reached through a symlink, because people move their caches to bigger disks.
//!
//! Brood Box writes to the cache without taking a lock, so everything read here is a snapshot that
//! may be outdated at once.

mod beside;
mod config;
mod digest;
mod disk;
mod entry;
mod entry_name;
mod find;
mod handle;
mod in_use;
mod inventory;
mod lease;
mod lifetimes;
mod location;
mod lock;
mod mounts;
mod path_lookup;
mod pattern;
mod program;
mod ref_file;
mod refs;
#[cfg(test)]
mod refs_tests;
mod refusals;
mod tag;
mod trash_name;
mod used_in_place;
mod vm_clones;

pub use beside::{Beside, BesideItem, BesideKind, OutsideTree, VmState};
pub(crate) use config::CONFIG_FILE;
pub use config::ImageConfig;
pub use digest::Digest;
pub use entry::{Entry, EntryKind, Leftover};
pub use entry_name::EntryName;
pub use find::Lookup;
pub use handle::Cache;
pub(crate) use handle::Folders;
pub use in_use::{InUse, Unseen, UsingProcess};
#[cfg(feature = "cli")]
pub(crate) use in_use::{Role, announce};
pub use inventory::Inventory;
pub(crate) use lease::Claim;
pub use lease::{Lease, Leases};
#[cfg(test)]
pub(crate) use lifetimes::ConfigTimes;
pub use lifetimes::Lifetimes;
pub(crate) use lifetimes::{ImageTimes, LayerTimes};
pub use location::{Folder, Location, default_directory};
pub use lock::{LockedCache, Patience};
pub use mounts::Mounts;
#[cfg(feature = "cli")]
pub(crate) use path_lookup::entry_below;
pub use pattern::{Pattern, PatternError};
pub use program::{Coverage, Program, Programs, Token};
pub use ref_file::{InvalidRef, Ref, RefProblem};
pub use refs::{RefIndex, UnreadableRef};
pub use refusals::{Refusal, RefusalCause, Refusals};
pub use tag::Tagged;
pub(crate) use trash_name::{TRASH_PREFIX, TrashStage, former_ref_file};
pub use vm_clones::VmClones;

pub use crate::fs::Disk;
