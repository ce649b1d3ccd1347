//! Stop requests at any time.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use crate::rounds;
use crate::scene::{COLLECT, Scene, snapshot};
use crate::support::cache::rootfs;
use crate::support::{TestCache, run};

const SIGNALS: [Signal; 2] = [Signal::INT, Signal::TERM];

/// How a gc has ended after a signal.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The signal came too late.
    Done,
    Unchanged,
    Unfinished,
}

/// A gc that already handles signals, so that none of them may kill it.
fn start(cache: &TestCache) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.arg("cache").args(COLLECT).arg("--cache-dir").arg(cache.dir());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    await_listening(&child);
    child
}

/// Waits until a child handles signals.
pub fn await_listening(child: &Child) {
    let begun = Instant::now();
    while !is_listening(child) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not listen for signals");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Whether a process handles all of the signals, or has ended.
fn is_listening(child: &Child) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{}/status", child.id())) else {
        assert!(
            !Path::new("/proc/self/status").exists(),
            "a child is there until it is waited for"
        );
        // Other systems do not report this, so wait longer than the program needs.
        std::thread::sleep(Duration::from_millis(200));
        return true;
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let caught = field("SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
    let catches = |signal: &Signal| caught >> (signal.as_raw() - 1) & 1 == 1;
    SIGNALS.iter().all(catches) || field("State:").is_some_and(|state| state.starts_with('Z'))
}

fn send(child: &Child, signal: Signal) {
    // It may have ended already. Then it is a zombie, and the signal has no effect.
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits for the end caused by a signal.
fn end(mut child: Child, signal: Signal) -> End {
    let status = wait(&mut child);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    judge(status, signal, &text)
}

/// Its output until then fits into a pipe.
pub fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the signal does not end it");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The program must end in an orderly way with the shell's code for the signal, not by the signal
/// itself.
fn judge(status: ExitStatus, signal: Signal, text: &str) -> End {
    match status.code() {
        Some(0) => End::Done,
        Some(code) if code == 128 + signal.as_raw() => {
            match text.contains("interrupted; nothing was changed") {
                true => End::Unchanged,
                // On a busy machine the program may run out of time to end.
                false if text.contains("interrupted: a file system did not respond") => {
                    End::Unfinished
                }
                false => {
                    assert!(text.contains("Interrupted: "), "{text}");
                    assert!(text.contains(" removed; run it again to finish"), "{text}");
                    End::Unfinished
                }
            }
        }
        _ => panic!("{status:?} after {signal:?}: {text}"),
    }
}

#[test]
fn a_collection_that_is_asked_to_stop_says_so_and_is_finished_by_the_next() {
    let cache = TestCache::new();
    let live = snapshot(&cache.live_with("live", |top| rootfs(top, 300)));
    let count = || fs::read_dir(cache.dir()).unwrap().count();
    let mut interrupted = 0;
    for round in 0..rounds(3, 40) {
        (0..3).for_each(|n| drop(cache.image_with(&format!("dead{n}"), |top| rootfs(top, 400))));
        let signal = SIGNALS[round % 2];
        let child = start(&cache);
        std::thread::sleep(Duration::from_millis(2 + 4 * (round as u64 % 10)));
        send(&child, signal);
        let end = end(child, signal);
        assert_eq!(snapshot(&cache.path("sha256-live")), live, "round {round}");
        match end {
            End::Done => assert_eq!(count(), 2, "round {round}: it says that it has done all"),
            End::Unchanged => {
                let is_there = |n: &i32| cache.path(&format!("sha256-dead{n}")).exists();
                assert!(count() == 5 && (0..3).all(|n| is_there(&n)), "round {round}");
            }
            End::Unfinished => assert!(count() > 2, "round {round}: nothing is left to do"),
        }
        interrupted += usize::from(end != End::Done);
        run(&cache, &["gc"]).ok();
        assert_eq!(count(), 2, "round {round}");
    }
    eprintln!("interrupted gc {interrupted} times");
    assert!(interrupted > 0);
}

#[test]
fn a_very_early_signal_leaves_everything_whole() {
    for signal in SIGNALS {
        let scene = Scene::new();
        let before = snapshot(&scene.cache.dir());
        let child = start(&scene.cache);
        send(&child, signal);
        match end(child, signal) {
            End::Done => scene.check_end("the signal came too late"),
            End::Unchanged => assert_eq!(snapshot(&scene.cache.dir()), before),
            End::Unfinished => scene.check("interrupted at once"),
        }
        run(&scene.cache, &COLLECT).ok();
        scene.check_end("interrupted at once");
    }
}

#[test]
fn a_collection_that_waits_for_another_one_ends_at_a_signal_and_has_changed_nothing() {
    for signal in SIGNALS {
        let scene = Scene::new();
        let before = snapshot(&scene.cache.dir());
        let other = fs::File::open(scene.cache.dir()).unwrap();
        flock(&other, FlockOperation::LockExclusive).unwrap();
        let mut child = start(&scene.cache);
        let mut complaints = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        complaints.read_line(&mut text).unwrap();
        assert!(text.contains("to finish its gc…"), "{text}");
        send(&child, signal);
        let status = wait(&mut child);
        complaints.read_to_string(&mut text).unwrap();
        assert_eq!(judge(status, signal, &text), End::Unchanged);
        assert_eq!(snapshot(&scene.cache.dir()), before);
    }
}
