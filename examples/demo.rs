//! Builds a realistic cache of a few hundred MB in a temporary folder, runs the main commands on
//! it, and prints their output: `cargo run --release --example demo`. To run other commands
//! instead, pass each in quotes: `cargo run --release --example demo -- 'show codex' 'gc
//! --dry-run'`.
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
/// Tells the program where the cache is. If it is set, the demo acts as the program: it runs itself
/// that way.
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

/// Builds two older images, last used days ago and replaced by newer ones since, three live images,
/// and the layers of all of them.
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

/// Fills the layer with this digest, with the usual number of files, or a tenth of that.
fn extract(digest: &str, top: &Path) {
    let builds = Agent::ALL.into_iter().flat_map(|agent| [agent.digest(1), agent.digest(2)]);
    let build = builds.into_iter().find(|layer| layer_digest(layer) == digest);
    let files = if build.is_some() { 1000 } else { 5000 };
    let layer = build.unwrap_or_else(|| "base".to_owned());
    extract_layer(&layer, top);
    rootfs(&top.join("usr/share").join(layer), files);
}
