//! The program: it asks, it shows, and it is the only place that prints.
//!
//! [`run`] takes a command line and returns an exit code: 0 for done, nothing to do, or declined;
//! 1 if something could not be done; 2 for a wrong command line and for what is refused; 128 and
//! the signal's number if a signal came. `lease` passes on the code of the command that it runs.

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
