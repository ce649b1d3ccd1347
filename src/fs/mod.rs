//! Directories held by descriptor, and the system calls behind them.
//!
//! Everything below the cache is reached through a [`Directory`], one name at a time, never through
//! a symlink and never into another mount. [`Trail`] walks trees of any depth with two open
//! directories, [`Budget`] limits the descriptors of a job, and [`NameList`] keeps a directory's
//! names in one block of memory. `shared_data.rs` describes what a file shares with other files.
//!
//! Differences between systems are confined to `sys/`.

mod descriptors;
mod directory;
#[cfg(target_os = "linux")]
#[cfg_attr(bbox_portable, allow(dead_code, reason = "only the Linux files use all of it"))]
pub mod mountinfo;
mod name_list;
mod removal_pattern;
mod shared_data;
mod status;
mod sys;
mod trail;

pub use descriptors::{Budget, Permit};
pub use directory::{Directory, LockAnswer, LockKind};
pub use name_list::{NameList, Span};
pub use removal_pattern::RemovalPattern;
pub use shared_data::{
    DataFile, Extent, FileMap, Holding, MappedExtent, Sharing, Volume, VolumeKind,
};
pub use status::{Disk, InodeId, Kind, Status, time};
pub use sys::mount_points;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
pub use sys::mounts;
pub use trail::Trail;
