//! Builds a realistic cache of a few hundred MB in a temporary folder, and runs the main commands
//! on it, printing each: `cargo run --release --example demo`.
#![allow(clippy::print_stdout, reason = "a demo is there to be seen")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cache::{TestCache, age, hash, rootfs};

/// Files in an image; one has about 10 KiB on the average.
const FILES: u32 = 6_000;

fn main() -> ExitCode {
    println!("Building a cache of five images in a temporary folder …");
    let cache = build();
    let mut worst = ExitCode::SUCCESS;
    for verb in [&["list", "--sizes"][..], &["gc", "--dry-run"], &["gc"], &["list"]] {
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

/// Three live images, two older builds that nothing references any more, and the layers that all
/// of them were made of.
fn build() -> TestCache {
    let cache = TestCache::new();
    let images = [
        ("claude-code", "new", 2),
        ("codex", "new", 9),
        ("opencode", "new", 200),
        ("claude-code", "old", 25),
        ("codex", "old", 40),
    ];
    for (agent, build, minutes) in images {
        let digest = hash(&format!("{agent} {build}"));
        let path = cache.image_with(&digest, |top| rootfs(top, FILES));
        age(&path, Duration::from_secs(60 * minutes));
        if build == "new" {
            cache.tag(&format!("ghcr.io/stacklok/brood-box/{agent}:latest"), &digest);
        }
    }
    for (layer, files) in [("base", FILES / 2), ("node", FILES / 3), ("agent", FILES / 6)] {
        let path = cache.layer_with(&hash(layer), |top| rootfs(top, files));
        age(&path, Duration::from_secs(3600 * 26));
    }
    cache
}
