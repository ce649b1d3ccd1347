//! Who uses what lies in the cache.
//!
//! The owner of the cache takes no lock, and the first microVM of a fresh pull runs inside the
//! cache entry itself. Whether a process is in there, only the system knows: each process has a
//! command line, a current directory, a root, an executable, open files and mappings, and any of
//! them may lead into an entry. So each process is looked at, one at a time, and each path that it
//! holds is turned into the entry that it leads to, by whichever mount.
//!
//! This is a look, not a lock: a process may begin to use an entry right after it. A process that
//! cannot be inspected (another user's) is counted; a process that the system hides is not, but it is
//! known that there may be some ([`Unseen`]). On Linux the kernel is asked as well: it uses the files
//! behind swap and loop devices.
//!
//! How processes are listed is in `linux/` and `portable.rs`, with equal signatures.

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
