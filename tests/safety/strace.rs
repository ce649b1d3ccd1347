//! The program under `strace`, which counts its system calls, kills it at one of them, or makes one
//! fail.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::TestCache;

/// Whether `strace` exists and may trace. If not, reports that a test is skipped.
pub fn is_available() -> bool {
    let probe =
        [&["-f", "-qq"][..], &ONLY_TRACED, &["-o", "/dev/null", "-e", "trace=none", "true"]];
    let probe = Command::new("strace").args(probe.concat()).output();
    let is_available = probe.is_ok_and(|output| output.status.success());
    if !is_available {
        eprintln!("skipped: this needs `strace` 5.3 or later, and the right to trace");
    }
    is_available
}

/// Calls that are not traced run at full speed, instead of stopping the program twice.
pub const ONLY_TRACED: [&str; 1] = ["--seccomp-bpf"];

/// Runs the program with one worker, so that its calls come in the same order each time.
fn trace(cache: &TestCache, options: &[&str], arguments: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "--jobs", "1", "--cache-dir"]).arg(cache.dir()).args(arguments);
    command.output().unwrap()
}

/// Runs the program with an error that `options` inject. Signals cannot be injected this way.
fn inject_error(cache: &TestCache, options: &[&str], arguments: &[&str]) -> Output {
    let options = [&ONLY_TRACED[..], &["-o", "/dev/null"], options].concat();
    trace(cache, &options, arguments)
}

/// Options that make the file system refuse every rename, like the lower layer of an overlay.
const NO_RENAMES: [&str; 2] = ["-e", "inject=renameat2:error=EXDEV"];

/// For each system call, the largest number made by any one thread.
pub fn count(cache: &TestCache, arguments: &[&str]) -> BTreeMap<String, usize> {
    count_with(cache, &[], arguments)
}

/// For each system call, the largest number made by any one thread if nothing can be renamed.
pub fn count_without_renames(cache: &TestCache, arguments: &[&str]) -> BTreeMap<String, usize> {
    count_with(cache, &NO_RENAMES, arguments)
}

fn count_with(cache: &TestCache, options: &[&str], arguments: &[&str]) -> BTreeMap<String, usize> {
    let file = cache.home().join("trace");
    let output = trace(cache, &[options, &["-o", file.to_str().unwrap()]].concat(), arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut counts = BTreeMap::new();
    for (call, count) in by_thread(&file) {
        let most: &mut usize = counts.entry(call.1).or_default();
        *most = count.max(*most);
    }
    counts
}

/// Number of calls by thread and name.
fn by_thread(file: &Path) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        // `1234  unlinkat(5, "a", 0) = 0`. A resumed call has been counted already.
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            *counts.entry((thread.to_owned(), name.to_owned())).or_default() += 1;
        }
    }
    counts
}

/// Kills the program when one of its threads makes a system call for the `nth` time. Returns
/// whether it was killed: it may have ended before.
pub fn kill_at(cache: &TestCache, arguments: &[&str], call: &str, nth: usize) -> bool {
    kill_with(cache, &[], arguments, call, nth)
}

/// Kills the program at a call if nothing can be renamed.
pub fn kill_without_renames(cache: &TestCache, arguments: &[&str], call: &str, nth: usize) -> bool {
    kill_with(cache, &NO_RENAMES, arguments, call, nth)
}

fn kill_with(
    cache: &TestCache,
    options: &[&str],
    arguments: &[&str],
    call: &str,
    nth: usize,
) -> bool {
    let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
    let trace_only = format!("trace={call},renameat2");
    let kill = ["-o", "/dev/null", "-e", &trace_only, "-e", &inject];
    let output = trace(cache, &[&kill[..], options].concat(), arguments);
    !output.status.success()
}

/// Makes a thread's nth occurrence of a system call fail if nothing can be renamed.
pub fn fail_without_renames(
    cache: &TestCache,
    arguments: &[&str],
    (call, error, nth): (&str, &str, usize),
) -> Output {
    let inject = format!("inject={call}:error={error}:when={nth}");
    let trace_only = format!("trace={call},renameat2");
    let fail = ["-e", &trace_only, "-e", &inject];
    inject_error(cache, &[&fail[..], &NO_RENAMES].concat(), arguments)
}

/// Makes a thread's nth occurrence of a system call fail. `1+` means every time.
pub fn fail_at(
    cache: &TestCache,
    arguments: &[&str],
    (call, error, nth): (&str, &str, &str),
) -> Output {
    let inject = format!("inject={call}:error={error}:when={nth}");
    let trace_only = format!("trace={call}");
    inject_error(cache, &["-e", &trace_only, "-e", &inject], arguments)
}

/// Makes every `stat` of this path fail, as spelled by the program.
pub fn fail_look_at(cache: &TestCache, arguments: &[&str], path: &str, error: &str) -> Output {
    // The portable code uses the older call.
    let inject = format!("inject=statx,newfstatat:error={error}");
    let options = ["-P", path, "-e", "trace=statx,newfstatat", "-e", &inject];
    inject_error(cache, &options, arguments)
}
