//! Several gc runs at the same time.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::rounds;
use crate::scene::snapshot;
use crate::support::TestCache;

fn start(cache: &TestCache, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs all commands in parallel, and expects each to succeed.
fn together(cache: &TestCache, commands: &[&[&str]]) {
    let children: Vec<_> = commands.iter().map(|command| start(cache, command)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        // A purge had finished before this one started.
        if err.starts_with("error: ") && err.ends_with(" does not exist\n") {
            continue;
        }
        assert!(output.status.success(), "{commands:?}: {err}");
        assert!(!err.contains("error:"), "{commands:?}: {err}");
    }
}

#[test]
fn collectors_do_not_disturb_each_other() {
    for round in 0..rounds(8, 100) {
        let cache = TestCache::in_memory();
        let live = snapshot(&cache.live("live"));
        (0..3).for_each(|n| drop(cache.image(&format!("dead{n}"))));
        together(&cache, &[&["gc"], &["gc"], &["list", "--sizes"]]);
        assert_eq!(snapshot(&cache.path("sha256-live")), live, "round {round}");
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 2, "round {round}");
        (0..3).for_each(|n| drop(cache.image(&format!("dead{n}"))));
        together(&cache, &[&["gc"], &["purge", "--force"], &["gc"]]);
        assert!(!cache.dir().exists(), "round {round}");
    }
}

#[test]
fn a_collection_under_a_lease_keeps_what_is_leased() {
    for round in 0..rounds(8, 100) {
        let cache = TestCache::in_memory();
        let leased = snapshot(&cache.image("leased"));
        (0..2).for_each(|n| drop(cache.image(&format!("dead{n}"))));
        let (program, directory) = (env!("CARGO_BIN_EXE_bbox"), cache.dir());
        let directory = directory.to_str().unwrap();
        let gc = [program, "cache", "gc", "--cache-dir", directory];
        let under_lease = [&["lease", "sha256:leased", "--"][..], &gc].concat();
        together(&cache, &[&under_lease, &under_lease]);
        assert_eq!(snapshot(&cache.path("sha256-leased")), leased, "round {round}");
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 2, "round {round}");
    }
}
