//! The system calls, one file per system with the same functions.
//!
//! `linux.rs` or `unix.rs` list directories and read statuses; `fiemap.rs`, `apfs.rs` or
//! `unshared.rs` report what files share; `share_ranges.rs` or `share_nothing.rs` make equal files
//! share data. `--cfg bbox_portable` selects the files of the other systems on Linux, so that tests
//! run there, too.

#[cfg(target_vendor = "apple")]
mod apfs;
#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod bare;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
mod fiemap;
#[cfg(target_os = "linux")]
#[cfg_attr(
    bbox_portable,
    allow(dead_code, reason = "in tests, it stands in for what only macOS has")
)]
mod linux;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
mod share_nothing;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
mod share_ranges;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
mod unix;
#[cfg(not(any(all(target_os = "linux", not(bbox_portable)), target_vendor = "apple")))]
mod unshared;

#[cfg(target_vendor = "apple")]
pub use apfs::{look_into, removal_pattern, volume};
#[cfg(all(target_os = "linux", not(bbox_portable)))]
pub use fiemap::{file_map, look_into, removal_pattern, volume};
#[cfg(all(target_os = "linux", not(bbox_portable)))]
pub use linux::*;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
pub use share_nothing::*;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
pub use share_ranges::*;
#[cfg(any(not(target_os = "linux"), bbox_portable))]
pub use unix::*;
#[cfg(not(any(all(target_os = "linux", not(bbox_portable)), target_vendor = "apple")))]
pub use unshared::{look_into, removal_pattern, volume};
