//! The environment of a run: ignored signals, few threads, a closed output.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::TestCache;

/// Runs the program on a cache with a line of shell, in which it is `"$@"`.
fn shell(cache: &TestCache, line: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh", env!("CARGO_BIN_EXE_bbox"), "cache", "--cache-dir"]);
    command.arg(cache.dir()).args(arguments).env("HOME", "/nobody/is/here");
    command
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_signal_ignored_by_the_parent_stays_ignored() {
    for (signal, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM"), (Signal::HUP, "HUP")] {
        let cache = TestCache::new();
        cache.image("dead");
        let lock = fs::File::open(cache.dir()).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let mut command = shell(&cache, &format!("trap '' {name}; exec \"$@\""), &["gc"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Once it reports that it waits, it would handle the signal.
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("to finish its gc…"), "{said}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        drop(lock);
        assert_eq!(crate::signals::wait(&mut child).code(), Some(0), "{name}");
        assert!(!cache.path("sha256-dead").exists(), "{name}");
    }
}

#[test]
fn an_unwritable_output_is_an_error_and_a_closed_pipe_is_not() {
    let cache = TestCache::new();
    cache.image("dead");
    let commands: [&[&str]; 4] = [&["list"], &["gc", "-n"], &["show", "sha256:dead"], &["--help"]];
    for arguments in commands {
        for (line, code) in [
            ("exec \"$@\" >&-", "1"),
            ("exec \"$@\" 1</dev/null", "1"),
            ("{ \"$@\"; echo $? >&2; } | :", "0"),
        ] {
            let output = shell(&cache, line, arguments).output().unwrap();
            let shown = output.status.code().filter(|_| code == "1").map(|code| code.to_string());
            let shown =
                shown.unwrap_or_else(|| err(&output).trim().lines().last().unwrap().to_owned());
            assert_eq!(shown, code, "{line} {arguments:?}: {}", err(&output));
            let is_told = err(&output).contains("cannot write the result: Bad file descriptor");
            assert_eq!(is_told, code == "1", "{line} {arguments:?}: {}", err(&output));
        }
    }
}

/// A user without any other processes.
const NOBODY: u32 = 54_322;

#[test]
fn fewer_threads_start_if_the_system_allows_few_and_the_error_mentions_the_option() {
    let cache = TestCache::new();
    cache.image("dead");
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(cache.home(), readable).unwrap();
    let is_readable = Command::new("chmod").args(["-R", "a+rX"]).arg(cache.dir()).status().unwrap();
    let become_nobody = format!("setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups");
    let line = |most| format!("exec {become_nobody} prlimit --nproc={most} \"$@\"");
    let probe = shell(&cache, &line(100), &["dir"]).output().unwrap();
    if !is_readable.success() || !probe.status.success() {
        return eprintln!("skipped: this needs root, and a program that an ordinary user may read");
    }
    for (most, code) in [(6, 0), (1, 1)] {
        let output = shell(&cache, &line(most), &["list", "--sizes"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{most}: {}", err(&output));
        assert_eq!(err(&output).contains("--jobs"), code == 1, "{most}: {}", err(&output));
    }
}
