//! From a command line to an exit code.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use super::args::{Shared, Verb};
use super::commands::{completions, dir, gc, lease, list, man, purge, rm, show};
use super::context::{self, Context};
use super::failure::{Ending, Failure, exit_code};
use super::process::{self, Signals};
use super::program::{Program, Setup, Task, is_lease};
use super::ui::console::Console;

/// Runs the program `bbox` with a command line, the program's name first.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_as(Program::Bbox, command_line)
}

/// Runs the program that goes by one of its names.
pub fn run_as(program: Program, command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command_line: Vec<_> = command_line.into_iter().collect();
    if let Some(code) = completions::answer(program, &command_line) {
        return code;
    }
    let order = match program.parse(&command_line) {
        Ok(order) => order,
        Err(error) => {
            // A closed stream is all that can go wrong, and the exit code tells the same.
            let _ = error.print();
            let code = if error.use_stderr() && is_lease(&command_line) {
                lease::NO_LEASE
            } else {
                u8::try_from(error.exit_code()).unwrap_or(2)
            };
            return ExitCode::from(code);
        }
    };
    let console = context::console(&order.shared);
    let signals = Signals::default();
    let result = match order.task {
        Task::Setup(setup) => set_up(program, &command_line, &setup, &console),
        // What the command says is to be told from what is said of the lease.
        Task::Verb(verb @ Verb::Lease(_)) => {
            run_verb(program, order.shared, verb, &console, &signals).map_err(lease::with_own_code)
        }
        Task::Verb(verb) => run_verb(program, order.shared, verb, &console, &signals),
    };
    if let Err(failure) = &result {
        console.error(failure);
    }
    exit_code(&result, signals.exit_code())
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
    // A command that runs another one leaves signals and limits as that one expects them.
    if !matches!(verb, Verb::Lease(_)) {
        process::raise_open_files();
        signals.listen().map_err(Failure::Signals)?;
    }
    match verb {
        Verb::List(args) => list::run(&context, &args),
        Verb::Show(args) => show::run(&context, &args),
        Verb::Gc(args) => gc::run(&context, &args),
        Verb::Rm(args) => rm::run(&context, &args),
        Verb::Purge(args) => purge::run(&context, &args),
        Verb::Lease(args) => lease::run(&context, &args),
        Verb::Dir => dir::run(&context),
    }
}
