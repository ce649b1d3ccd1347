//! The example of a plan compared to the program.

use std::fs::{self, File};
use std::process::Command;

use crate::support::{TestCache, finish, run};

/// Both use the same function, so they agree on a cache with everything in it.
#[test]
fn the_example_prints_the_plan_of_a_dry_run() {
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().unwrap().with_file_name("examples").join("plan_gc");
    if !example.exists() {
        return eprintln!(
            "skipped: `cargo test` builds the example, `cargo test --test e2e` does not"
        );
    }
    let cache = TestCache::new();
    cache.live("live");
    ["orphan", "used", "leased"].iter().for_each(|name| drop(cache.image(name)));
    cache.layer("layer");
    cache.dangling("example.com/gone:1", "gone");
    fs::rename(cache.image("x"), cache.path("tmp-gc-sha256-x")).unwrap();
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("other"), "").unwrap();
    let _used = File::open(cache.path("sha256-used/usr/a")).unwrap();
    let leased = File::open(cache.path("sha256-leased")).unwrap();
    rustix::fs::flock(&leased, rustix::fs::FlockOperation::LockShared).unwrap();
    let printed = finish(assert_cmd::Command::from_std({
        let mut command = Command::new(example);
        command.arg(cache.dir());
        command
    }))
    .ok();
    let planned = run(&cache, &["gc", "-n", "--layers", "--format", "json"]).json();
    let decisions = planned["decisions"].as_array().unwrap();
    let lines: Vec<_> = decisions
        .iter()
        .map(|decision| {
            let text = |field: &str| decision[field].as_str().unwrap().to_owned();
            let path = text("path");
            let below = path.strip_prefix(cache.dir().to_str().unwrap()).unwrap();
            format!("{:<8} {}  {}", text("action"), &below[1..], text("reason"))
        })
        .collect();
    let found: Vec<_> = printed.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(found, lines);
    let reasons = ["referenced", "orphan", "in-use", "leased", "dangling", "interrupted-gc"];
    for reason in reasons {
        assert!(printed.contains(reason), "{reason}: {printed}");
    }
}
