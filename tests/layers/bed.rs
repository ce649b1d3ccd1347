//! Tests of the test bed itself: caches are created the way their owner creates them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bbox_cache::cache::Cache;

use crate::support::TestCache;
use crate::support::cache::agents::{Agent, run_first_machine};
use crate::support::cache::pull::{TICK, touch, write_in_place};
use crate::support::cache::{age, hash};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The birth, if the file system records it, and the last use.
fn times(path: &Path) -> (Option<SystemTime>, SystemTime) {
    let status = fs::metadata(path).unwrap();
    (status.created().ok(), status.modified().unwrap())
}

#[test]
fn everything_has_its_owners_modes() {
    let cache = TestCache::in_memory();
    let image = cache.pull(Agent::Codex, 1);
    let others = [cache.live("a"), cache.image("b"), cache.path("layers/sha256-base")];
    for folder in ["", "refs", "layers"] {
        assert_eq!(mode(&cache.path(folder)), 0o700, "{folder}");
    }
    let reference = cache.path("refs").join(hash(&Agent::Codex.reference()));
    for file in [reference, image.join(".oci-config.json"), others[1].join(".oci-config.json")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    for entry in [&image].into_iter().chain(&others) {
        assert_eq!(mode(entry), 0o755, "{}", entry.display());
    }
}

#[test]
fn a_pulled_image_is_born_before_its_last_use_and_a_back_dated_one_is_not() {
    let cache = TestCache::in_memory();
    let [old, new] = [1, 2].map(|version| cache.pull(Agent::Hermes, version));
    let (Some(born), used) = times(&new) else { return };
    assert!(born <= used && times(&old).1 < born);
    let config = times(&new.join(".oci-config.json")).0.unwrap();
    assert!(born < config && config <= used);
    assert!(times(&cache.live("a")).0.unwrap() <= times(&cache.path("sha256-a")).1);
    cache.unused_for("hermes-1", Duration::from_secs(7200));
    assert!(times(&old).0.unwrap() > times(&old).1);
    assert!(times(&cache.image("b")).0.unwrap() > times(&cache.path("sha256-b")).1);
    run_first_machine(&new);
    assert!(times(&new).1 > used, "new names at the top count as a use");
}

/// The modification time of a ref is the last use of the reference.
#[test]
fn a_rewritten_ref_keeps_its_inode_and_birth_and_can_be_made_old() {
    let cache = TestCache::in_memory();
    let file = cache.tag("a:1", "a");
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let ((born, used), first) = (times(&file), inode(&file));
    std::thread::sleep(TICK);
    write_in_place(&file, b"a:1\tsha256:b\n");
    assert_eq!((inode(&file), times(&file).0), (first, born));
    assert!(times(&file).1 > used);
    let hour = Duration::from_secs(3600);
    age(&file, hour);
    assert_eq!(times(&file).0, born);
    assert!(times(&file).1.elapsed().unwrap() >= hour);
    touch(&file);
    assert!(times(&file).1.elapsed().unwrap() < hour);
}

#[test]
fn an_agent_is_recognized_by_its_programs_and_not_by_its_config() {
    let cache = TestCache::in_memory();
    for agent in Agent::ALL {
        cache.pull(agent, 1);
        cache.pull(agent, 2);
    }
    let opened = Cache::open(cache.dir()).unwrap().unwrap();
    let inventory = opened.inventory().unwrap();
    assert_eq!((inventory.images().count(), inventory.refs.refs.len()), (10, 5));
    let mut configs: Vec<_> = inventory
        .images()
        .map(|(image, _)| opened.config(&image.location).unwrap().unwrap())
        .collect();
    for config in &configs {
        assert!(config.entrypoint.is_empty() && config.command == ["/bin/sh", "-l"]);
    }
    configs.sort_by(|one, other| one.environment.cmp(&other.environment));
    configs.dedup();
    assert_eq!(configs.len(), 3, "those of three agents are equal");
    for (agent, program) in [
        (Agent::ClaudeCode, "usr/local/bin/claude"),
        (Agent::Codex, "usr/local/bin/codex"),
        (Agent::OpenCode, "usr/local/bin/opencode"),
        (Agent::Gemini, "usr/lib/node_modules/@google/gemini-cli"),
        (Agent::Hermes, "opt/hermes"),
    ] {
        let has = |other: &Agent| {
            let image = cache.path(&format!("sha256-{}", other.digest(2)));
            assert!(image.join("usr/local/bin/task").exists());
            image.join(program).symlink_metadata().is_ok()
        };
        assert_eq!(Agent::ALL.into_iter().filter(has).collect::<Vec<_>>(), [agent]);
    }
}
