//! From a command line to an exit code.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use super::args::{Df, Format, Shared, Verb};
#[cfg(feature = "tui")]
use super::commands::browse;
use super::commands::{
    completions, dedupe, df, diff, dir, gc, lease, list, man, purge, rm, show, tag,
};
use super::context::{self, Context};
use super::failure::{Ending, Failure, exit_code};
use super::failure_document;
use super::other_bbox;
use super::process::{self, Signals};
use super::program::{Program, Setup, Task, is_lease};
use super::ui::console::Console;
use super::ui::json::document;
use crate::cache::{Role, announce};

/// Runs the program `bbox`. The command line starts with the program's name.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_as(Program::Bbox, command_line)
}

/// Runs the program under one of its names.
pub fn run_as(program: Program, command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command_line: Vec<_> = command_line.into_iter().collect();
    if let Some(code) = completions::answer(program, &command_line) {
        return code;
    }
    if program == Program::Bbox
        && let Err(failure) = other_bbox::hand_over(&command_line)
    {
        Console::plain(context::color_of(&command_line)).error(&failure);
        return exit_code(&Err(failure), 1);
    }
    let order = match program.parse(&command_line) {
        Ok(order) => order,
        Err(error) => {
            let console = Console::plain(context::color_of(&command_line));
            return tell(&console, &error, is_lease(&command_line));
        }
    };
    let console = context::console(&order.shared);
    let signals = Signals::default();
    let role = if is_lease(&command_line) { Role::Leaseholder } else { Role::Walker };
    let _mark = announce(role);
    let give_up = || {
        console.give_up("interrupted: a file system did not respond; run it again to finish");
    };
    let format = order.shared.format();
    let told = |result: Result<Ending, Failure>| {
        result.inspect_err(|failure| report_failure(&console, format, failure))
    };
    let result = match order.task {
        Task::Setup(setup) => told(set_up(program, &command_line, &setup, &console)),
        // The output of the command must be distinguishable from messages about the lease.
        Task::Verb(verb @ Verb::Lease(_)) => {
            let result = run_verb(program, order.shared, verb, &console, &signals);
            told(result.map_err(lease::with_own_code))
        }
        Task::Verb(verb) => {
            let work = || told(run_verb(program, order.shared, verb, &console, &signals));
            signals.end_in_time(work, give_up)
        }
    };
    exit_code(&result, signals.exit_code())
}

/// Reports why a command failed as a whole, in JSON if the user asked for that.
fn report_failure(console: &Console, format: Format, failure: &Failure) {
    if format == Format::Json && !matches!(failure, Failure::Output(_)) {
        let written =
            console.write_raw(document(&failure_document::Document::new(failure)).as_bytes());
        written.as_ref().err().into_iter().for_each(|error| console.error(error));
    }
    console.error(failure);
}

/// Prints the parser's output: help to stdout, errors to stderr.
fn tell(console: &Console, said: &clap::Error, is_lease: bool) -> ExitCode {
    if !said.use_stderr() {
        let written = console.write(said.render().ansi().to_string());
        written.as_ref().err().into_iter().for_each(|error| console.error(error));
        return ExitCode::from(u8::from(written.is_err()));
    }
    console.write_error(&said.render().ansi().to_string());
    match is_lease {
        true => ExitCode::from(lease::NO_LEASE),
        false => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)),
    }
}

fn set_up(
    program: Program,
    command_line: &[OsString],
    setup: &Setup,
    console: &Console,
) -> Result<Ending, Failure> {
    let called = command_line.first().map_or(OsStr::new(program.name()), OsString::as_os_str);
    match setup {
        Setup::Completions(args) => completions::run(program, called, args, console),
        Setup::Man(args) => man::run(program, args, console),
    }
}

fn run_verb(
    program: Program,
    shared: Shared,
    verb: Verb,
    console: &Console,
    signals: &Signals,
) -> Result<Ending, Failure> {
    let context = Context::new(program, shared, console, signals)?;
    // A command that runs another program must not change signals and limits for it.
    if !matches!(verb, Verb::Lease(_)) {
        process::raise_open_files();
        signals.listen().map_err(Failure::Signals)?;
    }
    match verb {
        Verb::List(args) => list::run(&context, &args),
        Verb::Show(args) => show::run(&context, &args),
        Verb::Df(Df {}) => df::run(&context),
        Verb::Diff(args) => diff::run(&context, &args),
        #[cfg(feature = "tui")]
        Verb::Browse(args) => browse::run(&context, &args),
        Verb::Gc(args) => gc::run(&context, &args),
        Verb::Rm(args) => rm::run(&context, &args),
        Verb::Tag(args) => tag::tag(&context, &args),
        Verb::Untag(args) => tag::untag(&context, &args),
        Verb::Purge(args) => purge::run(&context, &args),
        Verb::Lease(args) => lease::run(&context, &args),
        Verb::Dir(args) => dir::run(&context, &args),
        Verb::Dedupe(args) => dedupe::run(&context, &args),
    }
}
