//! Killed at every step.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::rounds;
use crate::scene::{COLLECT, NamedImages, RM, Scene, snapshot};
use crate::strace::{count, is_available, kill_at};
use crate::support::cache::rootfs;
use crate::support::{TestCache, run};

/// The system calls that change something: renames, unlinks and rmdirs, locks.
const STEPS: [&str; 3] = ["renameat2", "unlinkat", "flock"];

/// Every step of a run, as (system call, nth).
fn steps(arguments: &[&str]) -> Vec<(&'static str, usize)> {
    steps_on(&Scene::new().cache, arguments)
}

fn steps_on(cache: &TestCache, arguments: &[&str]) -> Vec<(&'static str, usize)> {
    let counts = count(cache, arguments);
    let of = |call: &'static str| (1..=counts[call]).map(move |nth| (call, nth));
    STEPS.into_iter().flat_map(of).collect()
}

#[test]
fn a_collection_killed_at_any_step_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let steps = steps(&COLLECT);
    assert!(steps.len() > 40, "{steps:?}");
    let mut killed = 0;
    let chosen: Vec<_> =
        steps.iter().step_by(steps.len().div_ceil(rounds(10, steps.len()))).collect();
    for (call, nth) in &chosen {
        let scene = Scene::new();
        killed += usize::from(kill_at(&scene.cache, &COLLECT, call, *nth));
        let when = format!("killed at {call} {nth}");
        scene.check(&when);
        run(&scene.cache, &COLLECT).ok();
        scene.check_end(&when);
    }
    eprintln!("killed gc {killed} times at {} steps of {}", chosen.len(), steps.len());
    assert_eq!(killed, chosen.len());
}

#[test]
fn an_image_that_gets_a_ref_after_the_kill_is_saved_if_it_was_whole() {
    if !is_available() {
        return;
    }
    let steps = steps(&COLLECT);
    let chosen = steps.len().div_ceil(rounds(8, steps.len()));
    let mut saved = 0;
    for (call, nth) in steps.iter().step_by(chosen) {
        let scene = Scene::new();
        kill_at(&scene.cache, &COLLECT, call, *nth);
        let when = format!("named after a kill at {call} {nth}");
        let was_there = ["dead1", "dead2", "x"].map(|name| scene.has(name));
        ["dead1", "dead2", "x"].iter().for_each(|name| {
            scene.cache.tag(&format!("example.com/{name}:1"), name);
        });
        run(&scene.cache, &COLLECT).ok();
        scene.check(&when);
        let is_there = ["dead1", "dead2", "x"]
            .map(|name| scene.cache.path(&format!("sha256-{name}")).exists());
        assert_eq!(is_there, was_there, "{when}");
        saved += is_there.iter().filter(|is_there| **is_there).count();
        assert!(!scene.names().iter().any(|name| name.starts_with("tmp-")), "{when}");
    }
    assert!(saved > 0);
}

#[test]
fn a_purge_killed_at_any_step_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let purge = ["purge", "--force"];
    let steps = steps(&purge);
    let chosen = steps.len().div_ceil(rounds(10, steps.len()));
    let mut killed = 0;
    for (call, nth) in steps.iter().step_by(chosen) {
        let scene = Scene::new();
        killed += usize::from(kill_at(&scene.cache, &purge, call, *nth));
        let when = format!("purge killed at {call} {nth}");
        let list = run(&scene.cache, &["list"]);
        assert_eq!(list.code, 0, "{when}: {}", list.err);
        scene.check_purged(&when);
        assert_eq!(run(&scene.cache, &purge).code, 0, "{when}");
        assert!(!scene.cache.dir().exists(), "{when}");
    }
    let tried = steps.iter().step_by(chosen).count();
    eprintln!("killed purge {killed} times at {tried} steps");
    assert_eq!(killed, tried);
}

#[test]
fn an_rm_killed_at_any_step_is_finished_or_undone_by_the_next_gc() {
    if !is_available() {
        return;
    }
    let steps = steps_on(&NamedImages::new().cache, &RM);
    let chosen = steps.len().div_ceil(rounds(10, steps.len()));
    let [mut killed, mut undone, mut finished] = [0; 3];
    for (call, nth) in steps.iter().step_by(chosen) {
        let images = NamedImages::new();
        killed += usize::from(kill_at(&images.cache, &RM, call, *nth));
        match images.check_after_gc(&format!("rm killed at {call} {nth}")) {
            true => undone += 1,
            false => finished += 1,
        }
    }
    eprintln!("killed rm {killed} times: {undone} undone, {finished} finished");
    assert!(killed == undone + finished && undone > 0 && finished > 0);
}

/// With many threads there is no nth step, so the run is killed at a random time instead.
#[test]
fn a_big_collection_killed_at_any_time_is_finished_by_the_next() {
    let cache = TestCache::new();
    let live = snapshot(&cache.image_with("live", |top| rootfs(top, 300)));
    cache.tag("example.com/live:1", "live");
    let (mut killed, mut seed) = (0, 7_u64);
    let mut longest = Duration::from_millis(50);
    for round in 0..rounds(2, 20) {
        (0..3).for_each(|n| drop(cache.image_with(&format!("dead{n}"), |top| rootfs(top, 700))));
        loop {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let time = longest.mul_f64((seed >> 33) as f64 / f64::from(1_u32 << 31));
            let begun = Instant::now();
            let mut child = Command::new(env!("CARGO_BIN_EXE_bbox"))
                .args(["cache", "gc", "-q", "--cache-dir"])
                .arg(cache.dir())
                .spawn()
                .unwrap();
            std::thread::sleep(time);
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(snapshot(&cache.path("sha256-live")), live, "round {round}");
            match ended {
                Some(status) => {
                    assert!(status.success());
                    longest = longest.min(begun.elapsed());
                    break;
                }
                // On a slow machine it should eventually reach the end.
                None => (killed, longest) = (killed + 1, longest.mul_f64(1.1)),
            }
        }
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 2, "round {round}");
    }
    eprintln!("killed a big gc {killed} times");
    assert!(killed > 0);
}
