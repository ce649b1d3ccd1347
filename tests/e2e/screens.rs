//! The output of every command on a terminal: with 60, 80 and 140 columns, in a UTF-8 and a C
//! locale.
//!
//! To update the screens, run `INSTA_UPDATE=always cargo test --test e2e screens`, and review the
//! differences before you commit them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::people::screen;
use crate::support::TestCache;
use crate::support::cache::agents::Agent;

const HOUR: Duration = Duration::from_secs(3600);

/// The command line, and the answer to its question, if it asks one.
const SCENES: [(&str, &str); 27] = [
    ("list", ""),
    ("list --sizes", ""),
    ("list --no-sizes --reverse", ""),
    ("list --orphans", ""),
    ("list --verbose", ""),
    ("show codex", ""),
    ("show cdoex", ""),
    ("show sha256:base", ""),
    ("show latest", ""),
    ("df", ""),
    ("df -v", ""),
    ("gc -n -v --keep-recent 0s", ""),
    ("gc -n -q --keep-recent 0s", ""),
    ("gc --unused-for 30m", "n\n"),
    ("gc --older-than 3d", ""),
    ("gc --force", ""),
    ("rm codex", "n\n"),
    ("rm -n codex-1 gemini-1", ""),
    ("tag sha256:gemini-1 ghcr.io/stacklok/brood-box/codex:latest", "n\n"),
    ("untag nothing:1", ""),
    ("dir codex", ""),
    ("lease nothing -- true", ""),
    ("dedupe -n", ""),
    ("purge", "n\n"),
    ("delete codex", ""),
    ("lst", ""),
    ("gc -h", ""),
];

/// A cache with one of everything.
fn full_cache() -> TestCache {
    let cache = TestCache::in_memory();
    for (agent, version) in [(Agent::Codex, 1), (Agent::Gemini, 1), (Agent::Codex, 2)] {
        cache.pull(agent, version);
    }
    cache.untag(&Agent::Gemini.reference());
    cache.unused_for("codex-1", 26 * HOUR);
    cache.unused_for("gemini-1", 3 * HOUR);
    cache.unused_for("codex-2", 2 * HOUR);
    cache.dangling("ghcr.io/stacklok/brood-box/hermes:latest", "hermes-1");
    fs::create_dir(cache.path("tmp-rootfs-123")).unwrap();
    fs::write(cache.path("notes.txt"), "mine").unwrap();
    cache
}

#[test]
fn every_command_reads_well_in_every_width_and_locale() {
    if !Path::new("/dev/shm").is_dir() {
        return eprintln!("skipped: sizes are those of a file system in memory");
    }
    let cache = full_cache();
    for columns in [60, 80, 140] {
        for locale in ["C.UTF-8", "C"] {
            let screens = SCENES.map(|(typed, answer)| {
                let words: Vec<_> = typed.split(' ').collect();
                let seen = screen(&cache, &words, answer, columns, locale);
                format!("$ bbox cache {typed}\n{}", without_moment(&cache, &seen))
            });
            let screens = screens.join("\n");
            assert!(locale == "C.UTF-8" || screens.is_ascii(), "{screens}");
            insta::assert_snapshot!(format!("{columns} {locale}"), screens);
        }
    }
}

/// The output without anything that depends on this run or machine.
fn without_moment(cache: &TestCache, seen: &str) -> String {
    let home = cache.home().to_str().unwrap();
    let seen = seen.replace(home, "/dev/shm/bbox-cache-000000").replace('\r', "");
    let mut lines = Vec::new();
    let mut is_of_machine = false;
    for line in seen.lines() {
        // A note about uninspected processes, on one or more lines.
        is_of_machine = line.contains(" could not be inspected: ")
            || line.starts_with("Not inspected: ")
            || (is_of_machine && line.starts_with("  "));
        if !is_of_machine {
            lines.push(without_disk(&without_times(line.trim_end())));
        }
    }
    lines.join("\n") + "\n"
}

/// A line without the free disk space.
fn without_disk(line: &str) -> String {
    match line.rsplit_once("disk ") {
        Some((before, free)) if free.ends_with(" free") => format!("{before}disk 0.0 GiB free"),
        _ => line.to_owned(),
    }
}

/// A line with zeros for the digits of a time such as `2026-11-27T23:03:09Z`.
fn without_times(line: &str) -> String {
    let is_time = |word: &str| word.contains("T") && word.ends_with("Z)");
    let words = line.split(' ').map(|word| match is_time(word) {
        true => word.replace(|c: char| c.is_ascii_digit(), "0"),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
