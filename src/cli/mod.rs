//! The command-line program: the only place that asks questions and prints.
//!
//! [`run`] takes a command line and returns an exit code: 0 for done, nothing to do, or declined; 1
//! if something could not be done; 2 for usage errors and refusals; 128 plus the signal's number
//! after a signal. `lease` passes on the exit code of its command.

mod args;
mod commands;
mod complete;
mod context;
mod failure;
mod failure_document;
mod find_image;
mod image_row;
mod inherited;
mod measure;
mod named_cache;
mod other_bbox;
mod process;
mod program;
mod removal;
mod run;
mod shell;
mod ui;
mod values;
mod warnings;
mod words;

pub use program::Program;
pub use run::{run, run_as};
