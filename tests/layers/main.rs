//! Layers and leftovers: everything unneeded is found, and nothing needed is ever lost.

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
