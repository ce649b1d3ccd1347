//! Deduplication on real file systems: how much space is freed, and that nothing else changes.
//!
//! The file systems are in image files mounted through loop devices, which requires root, Linux and
//! the tools. Elsewhere these tests are skipped, with a message.

#[cfg(target_os = "linux")]
mod back;
mod compared;
#[path = "../sizes/content.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod disturbed;
#[cfg(target_os = "linux")]
mod left_out;
#[cfg(target_os = "linux")]
mod scene;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod support;
#[path = "../support/volume.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
#[cfg(target_os = "linux")]
mod volume;
