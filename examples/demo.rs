//! Builds a realistic cache of a few hundred MB in a temporary folder, and runs the main commands
//! on it, printing each: `cargo run --release --example demo`. Commands of your own, each in quotes, run
//! instead of these: `cargo run --release --example demo -- 'show codex' 'gc --dry-run'`.
#![allow(clippy::print_stdout, reason = "a demo is there to be seen")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use cache::agents::{Agent, extract_layer};
use cache::pull::{Pull, Request};
use cache::{TestCache, hash, rootfs};

const COMMANDS: [&str; 5] =
    ["list --sizes", "gc --dry-run --layers", "gc", "gc --layers --keep-recent=0s", "list"];
/// Where the program finds the cache. The demo runs itself as the program, which it is if this is set.
const CACHE_DIR: &str = "BBOX_IMAGE_CACHE_DIR";

fn main() -> io::Result<ExitCode> {
    if std::env::var_os(CACHE_DIR).is_some() {
        return Ok(bbox_cache::cli::run(std::env::args_os()));
    }
    println!("Building a cache of five images in a temporary folder …");
    let cache = build();
    let mut ending = ExitCode::SUCCESS;
    let chosen: Vec<_> = std::env::args().skip(1).collect();
    let commands = if chosen.is_empty() { COMMANDS.map(str::to_owned).to_vec() } else { chosen };
    for words in commands {
        println!("\n$ bbox cache {words}");
        if !run(&cache.dir(), &words)?.success() {
            ending = ExitCode::FAILURE;
        }
    }
    Ok(ending)
}

fn run(directory: &Path, words: &str) -> io::Result<ExitStatus> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(CACHE_DIR, directory).arg("cache").args(words.split(' '));
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "bbox");
    command.status()
}

/// Two older builds, last used days ago, that newer ones have replaced since; three live images, and
/// the layers that all of them were made of.
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
        let layers = build.layers.iter().map(|layer| layer_digest(layer)).collect();
        Pull::begin(&cache.dir(), Request { image: image.clone(), layers, extract, ..build })
            .finish();
        if days > 0 {
            cache.unused_for(&image, Duration::from_secs(days * 86_400));
        }
    }
    cache
}

fn layer_digest(layer: &str) -> String {
    hash(&format!("layer {layer}"))
}

/// What the layer of this digest brings, with as many files as it has in life, or a tenth of that.
fn extract(digest: &str, top: &Path) {
    let builds = Agent::ALL.into_iter().flat_map(|agent| [agent.digest(1), agent.digest(2)]);
    let build = builds.into_iter().find(|layer| layer_digest(layer) == digest);
    let files = if build.is_some() { 1000 } else { 5000 };
    let layer = build.unwrap_or_else(|| "base".to_owned());
    extract_layer(&layer, top);
    rootfs(&top.join("usr/share").join(layer), files);
}
