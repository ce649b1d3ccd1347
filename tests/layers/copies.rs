//! Caches whose times do not reflect the pulls: copied, restored, with a clock that was set back,
//! or on a file system that does not record births. Nothing that is needed may be lost, and the
//! reason is shown.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::owner::{Owner, layers_in};
use crate::support::cache::age;
use crate::support::{TestCache, run};

/// Two live images that share a layer, and an orphan.
fn fill(owner: &mut Owner) {
    owner.pull("a:1", "old", &["base", "old"]);
    owner.pull("a:1", "a", &["base", "a"]);
    owner.pull("b:1", "b", &["base", "b"]);
    owner.forget("sha256-old");
}

/// The status of each layer, with the reason.
fn standings(cache: &TestCache) -> BTreeSet<(String, Option<String>)> {
    let list = run(cache, &["list", "--sizes", "--format", "json"]).json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let layers = list["layers"].as_array().unwrap().iter();
    layers.map(|layer| (text(&layer["status"]).unwrap(), text(&layer["reason"]))).collect()
}

fn unknown(reason: &str) -> BTreeSet<(String, Option<String>)> {
    [("unknown".to_owned(), Some(reason.to_owned()))].into()
}

/// Runs gc with `--layers`, and checks that every needed layer is still there.
fn collect(owner: &Owner, what: &str) {
    let needed = owner.needed();
    assert!(!needed.is_empty() && needed.is_subset(&owner.layers()), "{what}: {needed:?}");
    run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers"]).ok();
    let left = owner.layers();
    assert!(needed.is_subset(&left), "{what}: {needed:?} are needed, {left:?} are left");
}

/// Shell commands that copy the directory `$1` to `$2`, which does not exist.
const COPIES: [(&str, &str, &str); 4] = [
    ("cp", r#"cp -a "$1" "$2""#, "contradiction"),
    ("cp", r#"cp -r "$1" "$2""#, "untouched"),
    ("rsync", r#"rsync -a "$1/" "$2""#, "contradiction"),
    ("tar", r#"mkdir "$2" && tar -C "$1" -cf - . | tar -C "$2" -xf -"#, "contradiction"),
];

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn copy(script: &str, from: &Path, to: &Path) {
    let mut command = Command::new("sh");
    let status = command.args(["-ec", script, "sh"]).args([from, to]).status().unwrap();
    assert!(status.success(), "{script}");
}

#[test]
fn no_layer_is_lost_in_a_cache_that_was_copied_or_restored() {
    let mut owner = Owner::new();
    fill(&mut owner);
    if is_there("rsync") {
        // It does not set a time that differs by less than a second.
        std::thread::sleep(Duration::from_millis(1100));
    }
    let check = |(program, script, reason): (&str, &str, &str)| {
        if !is_there(program) {
            return tell(&format!("skipped: there is no {program}\n"));
        }
        let copied = TestCache::new();
        std::fs::remove_dir(copied.dir()).unwrap();
        copy(script, &owner.cache.dir(), &copied.dir());
        let mut copied = owner.copied_to(copied);
        copied.forget("sha256-old");
        assert_eq!(standings(&copied.cache), unknown(reason), "{script}");
        collect(&copied, script);
        // The owner goes on using the cache, and touches other layers.
        copied.pull("c:1", "c", &["base", "c"]);
        copied.pull("d:1", "d", &["a", "d"]);
        collect(&copied, script);
        copied.untag("d:1");
        copied.forget("sha256-d");
        collect(&copied, script);
    };
    std::thread::scope(|scope| {
        let check = &check;
        let threads = COPIES.map(|case| scope.spawn(move || check(case)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn no_layer_is_lost_when_the_clock_was_set_back() {
    let mut owner = Owner::new();
    fill(&mut owner);
    owner.pull("c:1", "c", &["base", "c"]);
    // Set everything that this last pull has touched back by an hour.
    for path in ["layers/sha256-base", "layers/sha256-c", "sha256-c", "sha256-c/.oci-config.json"] {
        age(&owner.cache.path(path), Duration::from_secs(3600));
    }
    let text = run(&owner.cache, &["list", "--sizes"]).ok();
    let row = text.lines().find(|line| line.starts_with("base ")).unwrap();
    assert!(row.contains("unknown") && row.ends_with("copied, or clock changed"), "{text}");
    collect(&owner, "set back");
    owner.untag("c:1");
    collect(&owner, "set back");
    assert!(owner.layer("sha256-base").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn no_layer_is_lost_on_a_file_system_without_births() {
    use crate::volume::{System, Volume};
    let volume = match Volume::mount(System::Ext4WithoutBirths) {
        Ok(volume) => volume,
        Err(reason) => return tell(&format!("skipped: {reason}\n")),
    };
    let mut owner = Owner::on(TestCache::on(&volume.path()));
    fill(&mut owner);
    assert_eq!(standings(&owner.cache), unknown("no-birth"));
    let all = layers_in(&owner.cache.dir());
    collect(&owner, "without births");
    assert_eq!(owner.layers(), all, "nothing is known about any layer");
    run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers=all"]).ok();
    assert_eq!(owner.layers().len(), 0, "no layer is in use");
}

fn tell(text: &str) {
    use std::io::Write;
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
