//! Extractions: one in progress is never touched, and a dead one is removed in time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::cache::age;
use crate::support::{TestCache, run};

/// The age without changes after which the tests remove an extraction.
const AGE: &str = "2s";

/// A process that keeps writing deep inside an extraction, and keeps nothing open for long.
struct Extractor(Child);

impl Extractor {
    fn in_tree(top: &Path) -> Self {
        let deep = top.join("usr/lib/deep");
        fs::create_dir_all(&deep).unwrap();
        let script = r#"n=0; while :; do n=$((n+1)); echo x > "$1/f$((n % 50))"; sleep 0.05; done"#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(deep).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Extractor {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What a gc decides about an extraction: action and reason.
fn decision(cache: &TestCache, name: &str, arguments: &[&str]) -> (String, String) {
    let gc =
        run(cache, &[&["gc", "--all", "--keep-recent=0s", "--format", "json"], arguments].concat())
            .json();
    let mut decisions = gc["decisions"].as_array().unwrap().iter();
    let is_it = |path: &str| path.ends_with(name);
    let found = decisions.find(|found| is_it(found["path"].as_str().unwrap())).unwrap();
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("action"), text("reason"))
}

fn keep(reason: &str) -> (String, String) {
    ("keep".to_owned(), reason.to_owned())
}

fn remove() -> (String, String) {
    ("remove".to_owned(), "abandoned-temp".to_owned())
}

fn long_ago(path: &Path) {
    age(path, Duration::from_secs(30 * 24 * 3600));
}

/// Its own times say that it is old. Its contents say otherwise.
#[test]
fn an_extraction_in_progress_is_never_touched_and_a_killed_one_is_removed_in_time() {
    let check = |name: &str| {
        let cache = TestCache::new();
        let top = cache.path(name);
        let extractor = Extractor::in_tree(&top);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(2300) {
            long_ago(&top);
            // Status change times cannot be set: the top shows only this test's own change.
            assert_eq!(decision(&cache, name, &["--temp-age", AGE]), keep("recent"));
            assert_eq!(decision(&cache, name, &[]), keep("recent"));
        }
        drop(extractor);
        assert_eq!(decision(&cache, name, &[]), keep("recent"), "kept for a day");
        std::thread::sleep(Duration::from_millis(2100));
        assert_eq!(decision(&cache, name, &["--temp-age", AGE]), remove());
        assert!(!top.exists());
    };
    std::thread::scope(|scope| {
        let threads =
            ["tmp-rootfs-1", "layers/tmp-layer-1"].map(|name| scope.spawn(move || check(name)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_layer_that_is_being_extracted_protects_the_rootfs_that_waits_for_it() {
    let cache = TestCache::new();
    let (rootfs, layer) = (cache.path("tmp-rootfs-1"), cache.path("layers/tmp-layer-1"));
    fs::create_dir(&rootfs).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    fs::create_dir_all(&layer).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(decision(&cache, "tmp-rootfs-1", &["--temp-age", AGE]), keep("recent"));
    fs::remove_dir(&layer).unwrap();
    assert_eq!(decision(&cache, "tmp-rootfs-1", &["--temp-age", AGE]), remove());
}

#[cfg(target_os = "linux")]
#[test]
fn an_extraction_that_a_process_has_open_stays_however_old_it_is() {
    let cache = TestCache::new();
    let top = cache.path("tmp-rootfs-1");
    fs::create_dir(&top).unwrap();
    let mut reader = Command::new("sleep").arg("60").current_dir(&top).spawn().unwrap();
    assert_eq!(decision(&cache, "tmp-rootfs-1", &["--temp-age", "0s"]), keep("in-use"));
    reader.kill().unwrap();
    reader.wait().unwrap();
    assert_eq!(decision(&cache, "tmp-rootfs-1", &["--temp-age", "0s"]), remove());
    assert!(!top.exists());
}

/// An entry whose name only starts like an extraction's belongs to someone else.
#[test]
fn other_temporary_names_are_not_part_of_the_cache() {
    let cache = TestCache::new();
    cache.live("live");
    let names = ["tmp-1", "tmp-layer-1", "layers/tmp-rootfs-1", "tmp-rootfs"];
    let paths: Vec<PathBuf> = names.iter().map(|name| cache.path(name)).collect();
    paths.iter().for_each(|path| fs::create_dir_all(path).unwrap());
    run(&cache, &["gc", "--all", "--keep-recent=0s", "--temp-age", "0s", "--layers=all"]).ok();
    assert!(paths.iter().all(|path| path.exists()));
}
