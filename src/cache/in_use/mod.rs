//! The processes that use entries of the cache.
//!
//! The owner of the cache takes no lock, and the first microVM of a fresh pull runs inside the
//! cache entry itself. Only the system knows which processes are in there: each has a command line,
//! a current directory, a root, an executable, open files and mappings, and any of these may lead
//! into an entry. So every process is inspected, and each of its paths is resolved to an entry,
//! through whichever mount it leads there.
//!
//! This is a snapshot, not a lock: a process may start to use an entry right afterwards. Processes
//! that cannot be inspected (another user's) are counted. Hidden processes are not, but [`Unseen`]
//! tells that there may be some. On Linux the kernel counts as a user, too, of swap files and files
//! behind loop devices.
//!
//! `linux/` and `portable.rs` list the processes, with equal signatures.

#[cfg(all(target_os = "linux", not(bbox_portable)))]
#[path = "linux/mod.rs"]
mod system;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
#[path = "portable.rs"]
mod system;

#[cfg(target_vendor = "apple")]
mod apple;
mod look;
mod role;
mod runner;
#[cfg(all(test, target_os = "linux", not(bbox_portable)))]
mod tests;
mod users;

#[cfg(feature = "cli")]
pub(crate) use look::announce;
pub(in crate::cache) use look::{lock_holder, mounted, unanswering_mounts};
#[cfg(feature = "cli")]
pub(crate) use role::Role;
pub use users::{InUse, Unseen, UsingProcess};
