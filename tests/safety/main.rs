//! Proof that a gc loses nothing: killed at each of its steps, with faults in each of its system
//! calls, under attack, and in parallel with other runs.
//!
//! Each test has a short form for every day and a thorough one for `.ci/run`, which sets
//! `BBOX_THOROUGH`. Tests that need root or `strace` are skipped without them, and report that.

#![allow(clippy::print_stderr, reason = "a test says what it has done, or why it cannot run")]

mod attack;
mod faults;
mod in_place;
mod kill;
mod mounts;
mod processes;
mod scene;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
mod served;
mod signals;
mod strace;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod support;
mod surroundings;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
mod unanswering;
mod unopened;
#[cfg(all(target_os = "linux", not(bbox_portable)))]
mod users;

/// The number of rounds: few, unless the thorough form is requested.
fn rounds(few: usize, thorough: usize) -> usize {
    if std::env::var_os("BBOX_THOROUGH").is_some() { thorough } else { few }
}
