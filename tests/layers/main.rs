//! Layers and leftovers: what nothing needs is found, and what something needs is never lost.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod support;

mod bed;
mod commands;
mod copies;
mod daily;
mod extractions;
mod owner;
mod pulls;
#[cfg(target_os = "linux")]
#[path = "../support/volume.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod volume;
