//! Asked to stop at any time.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::rounds;
use crate::scene::{COLLECT, Scene, snapshot};
use crate::support::cache::rootfs;
use crate::support::{TestCache, run};

/// Sends a signal to a collection after some time.
fn interrupt(cache: &TestCache, signal: Signal, after: Duration) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "gc", "--cache-dir"]).arg(cache.dir());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(after);
    // It may have ended before: then it is a zombie, and heeds nothing.
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_collection_that_is_asked_to_stop_says_so_and_is_finished_by_the_next() {
    let cache = TestCache::new();
    let live = snapshot(&cache.image_with("live", |top| rootfs(top, 300)));
    cache.tag("example.com/live:1", "live");
    let mut interrupted = 0;
    for round in 0..rounds(3, 40) {
        (0..3).for_each(|n| drop(cache.image_with(&format!("dead{n}"), |top| rootfs(top, 400))));
        let (signal, code) = match round % 2 {
            0 => (Signal::INT, 130),
            _ => (Signal::TERM, 143),
        };
        // Not before it listens for signals.
        let after = Duration::from_millis(15 + 5 * (round as u64 % 10));
        let output = interrupt(&cache, signal, after);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        match output.status.code() {
            Some(0) => {}
            Some(found) if found == code => {
                interrupted += 1;
                let is_told = text.contains("run it again to finish");
                assert!(is_told || text.contains("interrupted: nothing was changed"), "{text}");
            }
            other => panic!("{other:?}: {text}"),
        }
        assert_eq!(snapshot(&cache.path("sha256-live")), live, "round {round}");
        run(&cache, &["gc"]).ok();
        assert_eq!(std::fs::read_dir(cache.dir()).unwrap().count(), 2, "round {round}");
    }
    eprintln!("interrupted gc {interrupted} times");
    assert!(interrupted > 0);
}

#[test]
fn a_signal_before_anything_is_deleted_leaves_everything_whole() {
    let scene = Scene::new();
    let output = interrupt(&scene.cache, Signal::TERM, Duration::from_millis(12));
    assert!(matches!(output.status.code(), Some(0 | 143)) || output.status.code().is_none());
    scene.check("interrupted at once");
    run(&scene.cache, &COLLECT).ok();
    scene.check_end("interrupted at once");
}
