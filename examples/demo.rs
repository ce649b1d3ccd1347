//! Builds a realistic cache of a few hundred MB in a temporary folder, and runs the main commands
//! on it, printing each: `cargo run --release --example demo`.
#![allow(clippy::print_stdout, reason = "a demo is there to be seen")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cache::{TestCache, age, hash, rootfs};

fn main() -> ExitCode {
    println!("Building a cache of five images in a temporary folder …");
    let cache = build();
    let mut worst = ExitCode::SUCCESS;
    let verbs = [
        &["list", "--sizes"][..],
        &["gc", "--dry-run", "--layers"],
        &["gc"],
        &["gc", "--layers"],
        &["list"],
    ];
    for verb in verbs {
        println!("\n$ bbox cache {}", verb.join(" "));
        let ending = bbox_cache::cli::run(command_line(cache.dir(), verb));
        if ending != ExitCode::SUCCESS {
            worst = ending;
        }
    }
    worst
}

fn command_line(directory: PathBuf, verb: &[&str]) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["bbox", "cache", "--cache-dir"].map(Into::into).to_vec();
    words.push(directory.into());
    words.extend(verb.iter().map(Into::into));
    words
}

/// Two older builds that nothing references any more, three live images, and the layers that all of
/// them were made of.
fn build() -> TestCache {
    let cache = TestCache::new();
    for (agent, build) in [
        ("claude-code", "old"),
        ("codex", "old"),
        ("claude-code", "new"),
        ("codex", "new"),
        ("opencode", "new"),
    ] {
        pull(&cache, agent, &format!("{agent}-{build}"));
    }
    cache
}

/// Pulls an image in the order in which the owner of the cache does it: that tells which layers it is
/// made of.
fn pull(cache: &TestCache, agent: &str, build: &str) {
    let (image, layers) =
        (cache.path("tmp-rootfs-1"), [("base", 3000), ("node", 2000), (build, 1000)]);
    fs::create_dir(&image).unwrap();
    for (layer, files) in layers {
        let path = cache.path(&format!("layers/sha256-{}", hash(layer)));
        if !path.exists() {
            rootfs(&path.join("opt").join(layer), files);
        }
        use_now(&path);
        rootfs(&image.join("opt").join(layer), files);
    }
    let digest = hash(&format!("image {build}"));
    let installed = cache.path(&format!("sha256-{digest}"));
    fs::rename(image, &installed).unwrap();
    use_now(&cache.tag(&format!("ghcr.io/stacklok/brood-box/{agent}:latest"), &digest));
    fs::write(installed.join(".oci-config.json"), r#"{"Entrypoint":["/bin/agent"]}"#).unwrap();
}

/// Marks something as used now, some ticks of the clock after it was made.
fn use_now(path: &Path) {
    std::thread::sleep(Duration::from_millis(20));
    age(path, Duration::ZERO);
}
