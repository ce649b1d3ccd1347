//! `bbox cache lease`: protects an image from gc while a command runs.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::cache::{self, Digest, Folder, Location};
use crate::cli::args::Lease;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::find_image::{NotFound, choose, no_cache};
use crate::cli::inherited::is_ignored;
use crate::error::cause;
use crate::escape::Escaped;

/// The exit code if the lease could not be taken; `env`, `nice` and `timeout` use it for their own
/// failures, too.
pub const NO_LEASE: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Environment variables for the command: the absolute path of its image, and the full digest.
const DIR: &str = "BBOX_IMAGE_DIR";
const DIGEST: &str = "BBOX_IMAGE_DIGEST";

/// How long a gc may need to bring back an image that it has hidden.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);

pub fn run(context: &Context<'_>, args: &Lease) -> Result<Ending, Failure> {
    let (lease, digest) = take(context, &args.image)?;
    if !lease.is_effective() {
        context.console.warn(format_args!(
            "the file system of {} does not support locks: the image is not protected from gc",
            context.shown_dir()
        ));
    }
    let mut command = command(args);
    let image = Location { folder: Folder::Root, name: digest.entry_name().clone() };
    command.env(DIR, image.path_in(&context.cache_dir)).env(DIGEST, digest.to_text());
    let status = run_command(args, command)?;
    drop(lease);
    // A command ended by a signal gets the same code as in a shell.
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(Ending::Passed(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Takes the lease. Retries for a moment, since a gc that has hidden the image may be about to
/// bring it back.
fn take(context: &Context<'_>, image: &str) -> Result<(cache::Lease, Digest), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match try_take(context, image)? {
            Ok(taken) => return Ok(taken),
            Err(reason) if Instant::now() >= deadline => return refuse(reason),
            Err(_) => std::thread::sleep(POLL),
        }
    }
}

/// Returns the lease and its image, or why it may become available in a moment.
fn try_take(
    context: &Context<'_>,
    image: &str,
) -> Result<Result<(cache::Lease, Digest), String>, Failure> {
    let dir = context.shown_dir();
    let Some(cache) = context.open_cache()? else {
        return Err(no_cache(context, image).into());
    };
    let inventory = cache.inventory()?;
    let digest = match choose(context, &inventory, image) {
        Ok((_, digest)) => digest,
        Err(NotFound::Yet(reason)) => return Ok(Err(reason)),
        Err(NotFound::AtAll(reason)) => return refuse(reason),
    };
    let lease = cache.lease(digest)?;
    let lease = lease.map(|lease| (lease, digest.clone()));
    Ok(lease.ok_or_else(|| format!("{digest} is no longer in {dir}")))
}

fn refuse<T>(reason: String) -> Result<T, Failure> {
    Err(Failure::NotRun { code: NO_LEASE, reason })
}

/// Turns a failure from before the command ran into one with its own exit code.
pub fn with_own_code(failure: Failure) -> Failure {
    match failure {
        Failure::NotRun { .. } => failure,
        other => Failure::NotRun { code: NO_LEASE, reason: other.to_string() },
    }
}

/// Signals sent to this program but meant for the command.
const PASSED: [i32; 5] = [SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM];
/// Signals that a terminal sends to all programs in the foreground.
const SENT_TO_BOTH: [i32; 2] = [SIGINT, SIGQUIT];

/// Waits for the command, and passes on signals sent only to this program.
fn run_command(args: &Lease, command: Command) -> Result<ExitStatus, Failure> {
    // An ignored signal must stay ignored for the command: it does unless this program listens for
    // it.
    let heeded = PASSED.into_iter().chain(SENT_TO_BOTH).filter(|&signal| !is_ignored(signal));
    let mut signals = Signals::new(heeded.chain([SIGCHLD])).map_err(Failure::Signals)?;
    let mut child = spawn(args, command)?;
    loop {
        for signal in signals.wait() {
            let is_for_both = SENT_TO_BOTH.contains(&signal) && is_in_foreground();
            if signal != SIGCHLD && !is_for_both {
                pass_on(&child, signal);
            }
        }
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(not_run(args, NO_LEASE, &error)),
        }
    }
}

/// Whether a terminal sends its signals to this program, and thus to the command, too.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    let group = terminal.ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    group == Some(getpgrp())
}

fn command(args: &Lease) -> Command {
    let (program, arguments) = args.command.split_first().expect("the parser requires a command");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn spawn(args: &Lease, mut command: Command) -> Result<Child, Failure> {
    command.spawn().map_err(|error| {
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

/// Sends a signal to the child. It has not been waited for, so its process ID is still valid.
fn pass_on(child: &Child, signal: i32) {
    let Some(signal) = Signal::from_named_raw(signal) else { return };
    // It may have ended just now: then there is no process to signal.
    let _ = kill_process(Pid::from_child(child), signal);
}
