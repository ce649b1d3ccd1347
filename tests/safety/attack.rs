//! Somebody who swaps directories for symlinks while the program walks and deletes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::rounds;
use crate::scene::snapshot;
use crate::support::cache::age;
use crate::support::{TestCache, run};

/// Directories at every depth of a cache that a name of the program's may lead to.
fn targets(cache: &TestCache) -> Vec<PathBuf> {
    let mut targets: Vec<_> = ["layers", "layers/sha256-l"].map(|name| cache.path(name)).into();
    let deep = ["", "d0/d0", "d0/d1", "d1/d0/d0"];
    // What changes right below an orphan's top makes it look as if it had just arrived.
    let high = ["d0", "d1", "closed"];
    targets.extend(deep.map(|below| cache.path("sha256-dead0").join(below)));
    for top in ["sha256-live", "tmp-gc-dead-sha256-dead0", "tmp-gc-sha256-dead0"] {
        targets.extend(deep.iter().chain(&high).map(|below| cache.path(top).join(below)));
    }
    targets
}

/// Puts a symlink to the canary in the place of one directory after the other, for a moment each.
fn attack(targets: &[PathBuf], canary: &Path, aside: &Path, is_over: &AtomicBool) -> u64 {
    let mut swaps = 0;
    while !is_over.load(Ordering::Relaxed) {
        for target in targets {
            // Whatever fails here has been removed meanwhile, which is what the victim is for.
            if fs::rename(target, aside).is_ok() {
                swaps += u64::from(symlink(canary, target).is_ok());
                std::thread::yield_now();
                let _ = fs::remove_file(target);
                if fs::rename(aside, target).is_err() {
                    let _ = fs::remove_dir_all(aside);
                }
            }
        }
    }
    swaps
}

fn nested(top: &Path, depth: usize) {
    for n in 0..3 {
        fs::write(top.join(format!("f{n}")), "x").unwrap();
    }
    for n in 0..2 * usize::from(depth > 0) {
        fs::create_dir(top.join(format!("d{n}"))).unwrap();
        nested(&top.join(format!("d{n}")), depth - 1);
    }
}

#[test]
fn whoever_swaps_directories_for_symlinks_gains_nothing() {
    let cache = TestCache::new();
    let canary = cache.home().join("canary");
    fs::create_dir(&canary).unwrap();
    nested(&canary, 3);
    // What the remover would open to its owner, if it were led there.
    let closed = canary.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let before = snapshot(&canary);
    cache.image_with("live", |top| nested(top, 3));
    cache.tag("example.com/live:1", "live");
    cache.layer_with("l", |top| nested(top, 2));
    let (targets, is_over) = (targets(&cache), AtomicBool::new(false));
    let aside = cache.home().join("aside");
    let deadline = Instant::now() + Duration::from_secs(rounds(2, 30) as u64);
    let (runs, swaps) = std::thread::scope(|scope| {
        let attacker = scope.spawn(|| attack(&targets, &canary, &aside, &is_over));
        let mut runs = 0;
        while Instant::now() < deadline {
            ["sha256-dead0", "tmp-gc-dead-sha256-dead0"]
                .iter()
                .for_each(|name| offer(&cache, name));
            for arguments in [&["list", "--sizes", "-q"][..], &["list"], &["gc", "-q"]] {
                let run = run(&cache, arguments);
                assert!(matches!(run.code, 0 | 1), "{}", run.err);
                runs += 1;
            }
            assert_eq!(snapshot(&canary), before);
        }
        is_over.store(true, Ordering::Relaxed);
        (runs, attacker.join().unwrap())
    });
    eprintln!("{runs} runs among {swaps} swaps");
    assert_eq!(snapshot(&canary), before);
    assert!(swaps > 0 && runs > 3);
}

/// Something to remove, made where nobody disturbs it.
fn offer(cache: &TestCache, name: &str) {
    let made = cache.home().join("made");
    // Both fail if an earlier one could not be put into its place, or the attacker is there now.
    let _ = fs::remove_dir_all(&made);
    fs::create_dir(&made).unwrap();
    nested(&made, 3);
    fs::create_dir(made.join("closed")).unwrap();
    age(&made, Duration::from_secs(1800));
    let _ = fs::rename(&made, cache.path(name));
}
