//! Output for shells: the script once, and answers on each TAB.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use clap::ValueEnum;
use clap_complete::engine::complete;

use crate::cli::args::{Completions, Shared, Shell};
use crate::cli::complete::line;
use crate::cli::context::console;
use crate::cli::failure::{Ending, Failure};
use crate::cli::program::Program;
use crate::cli::ui::console::Console;

use super::reply::Reply;
use super::script::{VARIABLE, script};

/// Prints the script that makes `args.shell` query this program, which was called as `called`.
pub fn run(
    program: Program,
    called: &OsStr,
    args: &Completions,
    console: &Console,
) -> Result<Ending, Failure> {
    console.write_raw(script(args.shell, program, called).as_bytes())?;
    Ok(Ending::Done)
}

/// Answers a shell, if a shell has run this program.
pub fn answer(program: Program, command_line: &[OsString]) -> Option<ExitCode> {
    let name = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
    let shell = Shell::from_str(&name, false).ok();
    // Skips the program's name and `--`.
    let arguments = command_line.get(2..).unwrap_or_default();
    let reply = shell.and_then(|shell| reply(program, shell, arguments));
    let console = console(&Shared::default());
    let printed = reply.is_some_and(|reply| console.write_raw(reply.as_bytes()).is_ok());
    Some(ExitCode::from(u8::from(!printed)))
}

/// The reply to print; `None` if the arguments are not those of the script.
fn reply(program: Program, shell: Shell, arguments: &[OsString]) -> Option<String> {
    let words = match (shell, arguments) {
        (Shell::Bash, [line, _]) => line::words(line.as_bytes()),
        (Shell::Bash, _) => return None,
        (Shell::Zsh, words) => words.iter().map(|word| line::unquoted(word.as_bytes())).collect(),
        // Fish has unquoted all words but the last.
        (Shell::Fish, [words @ .., last]) => {
            let last = line::unquoted(last.as_bytes());
            words.iter().cloned().chain([last]).collect()
        }
        (Shell::Fish, []) => return None,
    };
    line::keep(&words);
    let current = words.last()?.to_str()?.to_owned();
    let (last, here) = (words.len() - 1, std::env::current_dir().ok());
    let found = complete(&mut program.command(), words, last, here.as_deref()).ok()?;
    let reply = Reply::new(found, &current);
    Some(match shell {
        Shell::Bash => reply.for_bash(&current, arguments.last()?.to_str()?),
        Shell::Zsh => reply.for_zsh(),
        Shell::Fish => reply.for_fish(),
    })
}
