//! Sharing equal data on real file systems: what comes back, and that nothing else changes.
//!
//! The file systems lie in files and are mounted through loop devices, which takes root, Linux and the tools;
//! elsewhere these tests are skipped, and say so.

#[cfg(target_os = "linux")]
mod back;
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
