//! The real program on real trees.
#![allow(clippy::print_stderr, reason = "a test that cannot run here says why")]

#[path = "../support/mod.rs"]
mod support;

mod agree;
mod bad_input;
#[cfg(feature = "tui")]
mod browse;
mod completions;
mod contrib;
mod dedupe;
mod df;
mod diff;
mod dir;
mod example;
mod few_files;
mod gc;
mod json;
mod list;
mod manual;
mod names;
mod needed;
mod owner_rules;
mod people;
mod purge;
mod refused;
mod screens;
mod show;
mod tags;
mod unreplaced;
mod unwanted;
