//! Any name as an entry, beside a ref that may name it: a collection removes it only if it is an
//! orphan or a leftover of its own, never what a ref names, and nothing else.
#![no_main]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bbox_cache::cache::{Cache, EntryName, Patience};
use bbox_cache::gc::gather;
use bbox_cache::plan::{self, Activity, GcOptions};
use bbox_cache::sweep::sweep;
use bbox_cache::usage::Progress;
use bbox_cache::{Jobs, StopFlag};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

/// A directory in the cache, with something in it.
fn entry(cache: &Path, name: &EntryName) -> bool {
    let path = cache.join(name.as_os_str());
    fs::create_dir(&path).is_ok() && fs::write(path.join("file"), "x").is_ok()
}

// The first byte says whether a ref names the entry, the rest is its name.
fuzz_target!(|input: &[u8]| {
    let Some((&choice, name)) = input.split_first() else { return };
    let Some(name) = EntryName::new(name) else { return };
    let (home, is_named) = (tempfile::tempdir().unwrap(), choice % 2 == 1);
    let cache_dir = home.path().join("images");
    fs::create_dir_all(cache_dir.join("refs")).unwrap();
    fs::write(home.path().join("canary"), "x").unwrap();
    if !entry(&cache_dir, &name) {
        return;
    }
    let line = [b"example.com/a:1\t".as_slice(), name.as_bytes(), b"\n"].concat();
    if is_named {
        fs::write(cache_dir.join("refs/r"), line).unwrap();
    }
    let cache = Cache::open(&cache_dir).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    for found in &inventory.entries {
        assert!(!found.location.to_string().chars().any(char::is_control));
    }
    // Long after everything has arrived.
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    let evidence = gather(&cache, &inventory, later, Activity::default());
    let plan = plan::gc(&inventory, &GcOptions::default(), &evidence);
    let cache = cache.lock(&StopFlag::new(), |_| Patience::GiveUp).unwrap();
    let progress = Progress::for_items(plan.locations(), StopFlag::new());
    let (sender, _events) = crossbeam_channel::unbounded();
    sweep(&cache, &plan, Jobs::new(1).unwrap(), &progress, &sender).unwrap();

    let is_ours = name.starts_with("tmp-gc-");
    let (there, path) = (cache_dir.join("refs").exists(), cache_dir.join(name.as_os_str()));
    assert!(there && home.path().join("canary").exists());
    let is_kept = path.join("file").exists();
    assert!(is_kept || name.starts_with("sha256-") || is_ours, "{name:?}");
    // The owner turns the first colon of a digest into a dash, and trims it.
    let is_digest =
        !name.as_bytes().contains(&b':') && name.as_bytes().trim_ascii() == name.as_bytes();
    let is_digest = is_digest && !name.as_bytes().contains(&b'\t');
    assert!(is_kept || is_ours || !(is_named && is_digest), "{name:?}");
    assert_eq!(OsStr::from_bytes(name.as_bytes()), name.as_os_str());
});
