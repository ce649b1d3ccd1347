//! A fault in each system call of a run.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use crate::rounds;
use crate::scene::{COLLECT, NamedImages, RM, Scene, snapshot};
use crate::strace::{count, fail_at, fail_look_at, is_available};
use crate::support::{TestCache, run};

/// The short form tries one of them at each call.
const ERRORS: [&str; 5] = ["EIO", "EMFILE", "ENOENT", "ENOSPC", "EACCES"];

/// Calls made before the program's first own line, and calls that cannot fail in a way that it
/// could handle: memory, running threads, clocks, signals, the runtime's check of the standard
/// streams.
const NOT_OURS: [&str; 26] = [
    "execve",
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "mremap",
    "arch_prctl",
    "prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "futex",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "prlimit64",
    "poll",
    "sigaltstack",
    "exit",
    "exit_group",
    "getrandom",
    "geteuid",
    "clock_gettime",
    "sched_yield",
    "restart_syscall",
];

/// Every fault to try with a run, as (system call, error, nth). Of a frequent call, the first
/// occurrences and some of the others.
fn faults(arguments: &[&str], places: usize) -> Vec<(String, &'static str, usize)> {
    faults_on(&Scene::new().cache, arguments, places)
}

fn faults_on(
    cache: &TestCache,
    arguments: &[&str],
    places: usize,
) -> Vec<(String, &'static str, usize)> {
    faults_among(count(cache, arguments), places)
}

/// Every fault to try, given the number of occurrences of each call.
pub fn faults_among(
    counts: BTreeMap<String, usize>,
    places: usize,
) -> Vec<(String, &'static str, usize)> {
    let mut faults = Vec::new();
    for (call, count) in counts.into_iter().filter(|(call, _)| !NOT_OURS.contains(&call.as_str())) {
        let step = count.div_ceil(places);
        for nth in (1..=count).step_by(step) {
            let errors = ERRORS.iter().cycle().skip(faults.len()).take(rounds(1, ERRORS.len()));
            faults.extend(errors.map(|error| (call.clone(), *error, nth)));
        }
    }
    faults
}

/// Whether the program has started. The loader can fail before that, with its own exit code.
pub fn has_run(output: &Output) -> bool {
    output.status.code() != Some(127)
}

pub fn check_ending(output: &Output, when: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), None, "{when}: {err}");
    assert!(!err.contains("panicked"), "{when}: {err}");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{when}: {:?} {err}", output.status);
    assert!(output.status.success() || !err.is_empty(), "{when}: failed without a word");
}

#[test]
fn a_fault_in_any_call_of_a_collection_loses_nothing_and_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let faults = faults(&COLLECT, rounds(1, 12));
    let (mut failed, mut kept) = (0, 0);
    for (call, error, nth) in &faults {
        let fault = (call.as_str(), *error, &*nth.to_string());
        let fail = |cache: &TestCache| fail_at(cache, &COLLECT, fault);
        match collect_with_fault(&format!("{error} in {call} {nth}"), fail) {
            Ending::Failed => failed += 1,
            Ending::Kept => kept += 1,
            Ending::Done => {}
        }
    }
    let count = faults.len();
    eprintln!(
        "{count} faults in gc, {failed} noticed with exit code 1, {kept} by keeping something"
    );
}

/// The last check of an image before its ref is removed: if it fails, the ref is kept and reported.
#[test]
fn a_collection_reports_the_entries_that_a_fault_makes_it_keep() {
    if !is_available() {
        return;
    }
    let fail = |cache: &TestCache| fail_look_at(cache, &COLLECT, "sha256-gone", "EIO");
    assert_eq!(collect_with_fault("EIO for sha256-gone", fail), Ending::Kept);
}

/// How a gc has ended, according to its own output.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Done,
    /// Done except for some entries that it has reported.
    Kept,
    Failed,
}

/// Runs a gc with a fault, compares its output with the result, and then runs another one without a
/// fault.
fn collect_with_fault(when: &str, fail: impl FnOnce(&TestCache) -> Output) -> Ending {
    let scene = Scene::new();
    let output = fail(&scene.cache);
    let mut ending = Ending::Failed;
    if has_run(&output) {
        check_ending(&output, when);
        let kept = kept(&String::from_utf8_lossy(&output.stdout));
        if output.status.success() {
            ending = if kept.is_empty() { Ending::Done } else { Ending::Kept };
            // A missing entry is not an error: someone else has removed it.
            if !when.starts_with("ENOENT") {
                scene.check_end_with(&kept, &format!("{when}, with exit code 0"));
            }
        }
    }
    scene.check(when);
    run(&scene.cache, &COLLECT).ok();
    scene.check_end(when);
    ending
}

/// The paths of entries that a gc reports as kept: `Kept    layer sha256:a    why`.
fn kept(text: &str) -> Vec<String> {
    let labels = text.lines().filter_map(|line| line.strip_prefix("Kept "));
    let labels = labels.map(|line| line.trim_start().split("  ").next().unwrap());
    let paths = labels.map(|label| match label.split_once(' ') {
        Some(("ref", file)) => format!("refs/{file}"),
        Some(("layer", digest)) => format!("layers/{}", digest.replacen(':', "-", 1)),
        // It has its original name again.
        _ => label.trim_start_matches("leftover ").replacen(':', "-", 1),
    });
    paths.collect()
}

#[test]
fn a_fault_in_any_call_of_a_purge_touches_nothing_outside_and_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let purge = ["purge", "--force"];
    let faults = faults(&purge, rounds(1, 5));
    for (call, error, nth) in &faults {
        let scene = Scene::new();
        let output = fail_at(&scene.cache, &purge, (call, error, &nth.to_string()));
        let when = format!("{error} in {call} {nth}");
        if has_run(&output) {
            check_ending(&output, &when);
        }
        scene.check_purged(&when);
        let purge = run(&scene.cache, &purge);
        // An empty cache is left alone.
        let is_purged = !scene.cache.dir().exists() || scene.names().is_empty();
        assert!(purge.code == 0 && is_purged, "{when}: {}", purge.err);
    }
    eprintln!("{} faults in purge", faults.len());
}

#[test]
fn a_fault_in_any_call_of_an_rm_leaves_an_image_with_its_refs_or_none_of_them() {
    if !is_available() {
        return;
    }
    let faults = faults_on(&NamedImages::new().cache, &RM, rounds(1, 8));
    let mut failed = 0;
    for (call, error, nth) in &faults {
        let images = NamedImages::new();
        let output = fail_at(&images.cache, &RM, (call, error, &nth.to_string()));
        let when = format!("{error} in {call} {nth}");
        if has_run(&output) {
            check_ending(&output, &when);
            failed += usize::from(!output.status.success());
        }
        let is_there = images.check_after_gc(&when);
        let is_done = has_run(&output) && output.status.success() && *error != "ENOENT";
        assert!(!is_there || !is_done, "{when}: exit code 0, and the image is there");
    }
    eprintln!("{} faults in rm, {failed} of them noticed with exit code 1", faults.len());
}

#[test]
fn a_fault_in_any_call_of_a_listing_changes_nothing() {
    if !is_available() {
        return;
    }
    let list = ["list", "--sizes"];
    let faults = faults(&list, rounds(1, 6));
    let scene = Scene::new();
    let before = snapshot(&scene.cache.dir());
    for (call, error, nth) in &faults {
        let output = fail_at(&scene.cache, &list, (call, error, &nth.to_string()));
        let when = format!("{error} in {call} {nth}");
        if has_run(&output) {
            check_ending(&output, &when);
        }
        assert_eq!(snapshot(&scene.cache.dir()), before, "{when}");
    }
    eprintln!("{} faults in list", faults.len());
}

#[test]
fn without_locks_a_collection_and_a_lease_warn_and_go_on() {
    if !is_available() {
        return;
    }
    let scene = Scene::new();
    let no_locks = |arguments: &[&str]| {
        let output = fail_at(&scene.cache, arguments, ("flock", "EOPNOTSUPP", "1+"));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert!(err.contains("does not support locks"), "{err}");
    };
    no_locks(&["lease", "sha256:live", "--", "true"]);
    no_locks(&COLLECT);
    scene.check_end("without locks");
}
