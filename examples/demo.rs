//! Builds a realistic cache of a few hundred MB in a temporary folder, and runs the main commands
//! on it, printing each: `cargo run --release --example demo`.
#![allow(clippy::print_stdout, reason = "a demo is there to be seen")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cache::agents::{Agent, extract_layer};
use cache::pull::{Pull, Request};
use cache::{TestCache, hash, rootfs};

fn main() -> ExitCode {
    println!("Building a cache of five images in a temporary folder …");
    let cache = build();
    let mut worst = ExitCode::SUCCESS;
    let verbs = [
        &["list", "--sizes"][..],
        &["gc", "--dry-run", "--layers"],
        &["gc"],
        &["gc", "--layers", "--keep-recent=0s"],
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

/// Two older builds, last used days ago, that newer ones have replaced since; three live images, and the layers that all of them
/// were made of.
fn build() -> TestCache {
    let cache = TestCache::new();
    for (agent, version, days) in [
        (Agent::ClaudeCode, 1, 4),
        (Agent::Codex, 1, 2),
        (Agent::ClaudeCode, 2, 0),
        (Agent::Codex, 2, 0),
        (Agent::OpenCode, 2, 0),
    ] {
        let build = agent.build(version);
        let image = hash(&build.image);
        Pull::begin(&cache.dir(), Request { image: image.clone(), extract, ..build }).finish();
        if days > 0 {
            cache.unused_for(&image, Duration::from_secs(days * 86_400));
        }
    }
    cache
}

/// What a layer brings, with as many files as it has in life, or a tenth of that.
fn extract(layer: &str, top: &Path) {
    extract_layer(layer, top);
    let files = if layer == "base" { 5000 } else { 1000 };
    rootfs(&top.join("usr/share").join(layer), files);
}
