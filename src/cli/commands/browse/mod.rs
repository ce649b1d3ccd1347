//! `bbox cache browse`: the cache on a whole screen, to look around in and to remove images from.
//!
//! State and drawing are apart: [`model`] has the state and what an event does to it, [`actions`] what a key does, [`view`] draws it, and neither
//! reads a disk, a clock or a terminal. What an event asks for is an effect, which [`work`] carries out on a thread
//! of its own and answers with events. [`run`] holds the terminal and passes events around; [`once`] does so without a
//! terminal, for one frame.

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
