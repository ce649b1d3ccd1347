//! `bbox cache browse`: browse the cache full-screen, and remove images.
//!
//! State and drawing are separate. `model` has the state and updates it for each event, `actions`
//! for each key, and `view` draws it. None of them reads a disk, a clock or a terminal. An update
//! returns effects. `work` carries each out on its own thread and answers with events. `run` owns
//! the terminal and passes events around; `once` does the same for a single frame without a
//! terminal.

mod actions;
mod cache_view;
mod canvas;
mod entry;
mod event;
mod keys;
mod list;
mod model;
mod once;
mod report;
mod reporters;
mod run;
#[cfg(test)]
mod scene;
mod screen;
mod terminal;
mod view;
mod work;

pub use run::run;
