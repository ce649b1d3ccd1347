//! `bbox cache lease`: runs a command while an image is kept from being collected.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::Lease;
use super::context::Context;
use super::failure::{Ending, Failure};
use crate::cache::{self, Cache, Choice};
use crate::error::{Error, cause};
use crate::escape::Escaped;

/// The lease cannot be had: what `env`, `nice` and `timeout` say in such a case.
const NO_LEASE: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

pub fn run(context: &Context<'_>, args: &Lease) -> Result<Ending, Failure> {
    let lease = take(context, &args.image)?;
    if !lease.is_effective() {
        context.console.warn(format_args!(
            "the file system of {} knows no locks: nothing keeps the image from being collected",
            context.shown_dir()
        ));
    }
    let status = run_command(args)?;
    drop(lease);
    // A command that a signal has ended counts as in every shell.
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(Ending::Passed(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

fn take(context: &Context<'_>, image: &str) -> Result<cache::Lease, Failure> {
    let shown = Escaped::new(image).to_string();
    let none = || refuse(format!("there is no image {shown} in {}", context.shown_dir()));
    let Some(cache) = Cache::open(&context.cache_dir).map_err(no_lease)? else { return none() };
    let inventory = cache.inventory().map_err(no_lease)?;
    let digest = match inventory.find(image) {
        Choice::One(digest) => digest,
        Choice::None => return none(),
        Choice::Many(digests) => {
            let digests: Vec<_> = digests.iter().map(|digest| digest.to_string()).collect();
            return refuse(format!("{shown} may be any of {}", digests.join(", ")));
        }
    };
    match cache.lease(&digest).map_err(no_lease)? {
        Some(lease) => Ok(lease),
        None => none(),
    }
}

fn refuse<T>(reason: String) -> Result<T, Failure> {
    Err(Failure::NotRun { code: NO_LEASE, reason })
}

fn no_lease(error: Error) -> Failure {
    Failure::NotRun { code: NO_LEASE, reason: error.to_string() }
}

/// Waits for the command, and passes on what is sent to this program alone.
fn run_command(args: &Lease) -> Result<ExitStatus, Failure> {
    let heeded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|&signal| is_heeded(signal));
    let mut signals =
        Signals::new(heeded.chain([SIGCHLD])).map_err(|error| no_lease(signals_error(error)))?;
    let mut child = spawn(args)?;
    loop {
        for signal in signals.wait() {
            match signal {
                SIGHUP => pass_on(&child, Signal::HUP),
                SIGTERM => pass_on(&child, Signal::TERM),
                SIGINT if !is_in_foreground() => pass_on(&child, Signal::INT),
                SIGQUIT if !is_in_foreground() => pass_on(&child, Signal::QUIT),
                _ => {}
            }
        }
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(not_run(args, NO_LEASE, &error)),
        }
    }
}

fn signals_error(error: std::io::Error) -> Error {
    Error::Io { operation: "listen for", path: "signals".into(), source: error }
}

/// What this program was told to ignore (by `nohup`, by a shell in the background) is to be ignored
/// by the command as well, and it is as long as nobody listens for it. Only Linux tells.
fn is_heeded(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 0
}

/// Whether a terminal sends its signals to this program, and then to the command as well.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    let group = terminal.ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    group == Some(getpgrp())
}

fn spawn(args: &Lease) -> Result<Child, Failure> {
    let (program, arguments) = args.command.split_first().expect("the parser requires a command");
    Command::new(program).args(arguments).spawn().map_err(|error| {
        let code = match error.kind() {
            ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_EXECUTABLE,
        };
        not_run(args, code, &error)
    })
}

fn not_run(args: &Lease, code: u8, error: &std::io::Error) -> Failure {
    let program = args.command.first().map(|word| Escaped::new(word).to_string());
    let reason = format!("cannot run {}: {}", program.unwrap_or_default(), cause(error));
    Failure::NotRun { code, reason }
}

/// The child has not been waited for, so its number is still its own.
fn pass_on(child: &Child, signal: Signal) {
    // It may have ended just now: then there is nobody to tell.
    let _ = kill_process(Pid::from_child(child), signal);
}
