//! The program: it asks, it shows, and it is the only place that prints.
//!
//! [`run`] takes a command line and returns an exit code: 0 for done, nothing to do, or declined;
//! 1 if something could not be done; 2 for a wrong command line and for what is refused; 128 and
//! the signal's number if a signal came. `lease` passes on the code of the command that it runs.

mod args;
mod census;
mod choose;
mod context;
mod dir;
mod doubt;
mod failure;
mod gc;
mod layers;
mod lease;
mod limits;
mod list;
mod max_size;
mod offer;
mod problems;
mod purge;
mod removal;
mod rm;
mod show;
mod signals;
mod ui;
mod usage_json;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, CacheArguments, Command, Verb};
use context::Context;
use failure::{Ending, Failure, exit_code};
use signals::Signals;
use ui::console::Console;

/// Runs the program with a command line, the program's name first.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(command_line) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed stream is all that can go wrong, and the exit code tells the same.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let Command::Cache(cache) = arguments.command;
    let console = context::console(&cache.shared);
    let signals = Signals::default();
    let result = run_verb(cache, &console, &signals);
    if let Err(failure) = &result {
        console.error(failure);
    }
    exit_code(&result, signals.exit_code())
}

fn run_verb(
    arguments: CacheArguments,
    console: &Console,
    signals: &Signals,
) -> Result<Ending, Failure> {
    let context = Context::new(arguments.shared, console, signals)?;
    // A command that runs another one leaves signals and limits as that one expects them.
    if !matches!(arguments.verb, Verb::Lease(_)) {
        limits::raise_open_files();
        signals.listen().map_err(Failure::Signals)?;
    }
    match arguments.verb {
        Verb::List(args) => list::run(&context, &args),
        Verb::Show(args) => show::run(&context, &args),
        Verb::Gc(args) => gc::run(&context, &args),
        Verb::Rm(args) => rm::run(&context, &args),
        Verb::Purge(args) => purge::run(&context, &args),
        Verb::Lease(args) => lease::run(&context, &args),
        Verb::Dir => dir::run(&context),
    }
}
