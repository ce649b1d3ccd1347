//! `show`, `list` and `gc` agree on every number that they share.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::support::cache::agents::Agent;
use crate::support::{TestCache, du, run};

/// A cache with everything, except for unreferenced layers and unreplaced images.
fn everything() -> TestCache {
    let cache = TestCache::in_memory();
    let live = cache.pull(Agent::Codex, 1);
    let dead = cache.image("dead");
    let twin = cache.image_with("twin", |top| {
        fs::write(top.join("own"), vec![1; 70_000]).unwrap();
        fs::hard_link(dead.join("linked"), top.join("of-dead")).unwrap_or_default();
    });
    fs::write(dead.join("big"), vec![1; 300_000]).unwrap();
    fs::hard_link(dead.join("big"), twin.join("big")).unwrap();
    fs::hard_link(live.join("usr/bin/bash"), twin.join("bash")).unwrap();
    fs::hard_link(dead.join("big"), cache.home().join("of-dead")).unwrap();
    fs::write(dead.join("alone"), vec![1; 90_000]).unwrap();
    for image in [&dead, &twin] {
        crate::support::cache::age(image, Duration::from_secs(1800));
    }
    fs::rename(cache.image("x"), cache.path("tmp-gc-dead-sha256-x")).unwrap();
    cache.dangling("example.com/gone:1", "gone");
    cache.raw_ref("broken", "");
    fs::write(cache.path("notes.txt"), vec![1; 10_000]).unwrap();
    cache
}

fn with_unreferenced_layer() -> TestCache {
    let cache = everything();
    fs::remove_dir_all(cache.pull(Agent::Gemini, 1)).unwrap();
    cache.untag(&Agent::Gemini.reference());
    cache
}

fn with_unreplaced_image() -> TestCache {
    let cache = everything();
    // A pull in progress may need any layer.
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    cache.pull(Agent::Hermes, 1);
    cache.untag(&Agent::Hermes.reference());
    cache.unused_for(&Agent::Hermes.digest(1), Duration::from_secs(3600));
    cache
}

fn json(cache: &TestCache, arguments: &[&str]) -> Value {
    run(cache, &[arguments, &["--format", "json"]].concat()).json()
}

fn text(cache: &TestCache, arguments: &[&str]) -> String {
    run(cache, arguments).out
}

/// The items of a document by path.
fn by_path<'d>(document: &'d Value, kinds: &[&str]) -> HashMap<&'d str, &'d Value> {
    let items = kinds.iter().flat_map(|kind| document[kind].as_array().unwrap());
    items.map(|item| (item["path"].as_str().unwrap(), item)).collect()
}

/// A number of bytes that is certain.
fn exact(bounds: &Value) -> u64 {
    assert_eq!(bounds["certain"], bounds["at_most"]);
    bounds["certain"].as_u64().unwrap()
}

/// The line of a text that contains these words.
fn line<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    text.lines().find(|line| line.contains(words))
}

#[test]
fn show_list_and_gc_agree_on_every_number() {
    for (cache, has_layer) in [(with_unreferenced_layer(), true), (with_unreplaced_image(), false)]
    {
        let list = json(&cache, &["list", "--sizes"]);
        let (plain, dry) = (json(&cache, &["list"]), json(&cache, &["gc", "-n"]));
        let kinds = ["images", "layers", "leftovers"];
        let listed = by_path(&list, &kinds);
        let plainly = by_path(&plain, &kinds);
        assert!(listed.len() > 5, "{list}");
        for (path, item) in &listed {
            for field in ["usage", "unique_bytes"] {
                assert_eq!(item[field], plainly[path][field], "{path}");
            }
        }
        let mut compared = 0;
        for decision in dry["decisions"].as_array().unwrap() {
            let (path, usage) = (decision["path"].as_str().unwrap(), &decision["usage"]);
            if let Some(item) = listed.get(path).filter(|_| !usage.is_null()) {
                assert_eq!(*usage, item["usage"], "{path}");
                compared += 1;
            }
        }
        assert_eq!(compared, 3, "{dry}");
        for image in list["images"].as_array().unwrap() {
            let show = json(&cache, &["show", "-v", image["digest"].as_str().unwrap()]);
            for field in ["usage", "unique_bytes", "layers", "layers_bytes"] {
                assert_eq!(show[field], image[field], "{field} of {}", image["digest"]);
            }
        }

        let freed = exact(&dry["totals"]["freed_bytes"]);
        assert_eq!(exact(&list["totals"]["reclaimable_bytes"]), freed);
        assert_eq!(exact(&plain["totals"]["reclaimable_bytes"]), freed);
        let layers = exact(&dry["totals"]["layers_reclaimable_bytes"]);
        assert_eq!(exact(&list["totals"]["layers_reclaimable_bytes"]), layers);
        let unreplaced = exact(&dry["totals"]["unreplaced_bytes"]);
        assert_eq!((layers > 0, unreplaced > 0), (has_layer, !has_layer), "{}", list["layers"]);
        for (option, more) in [("--layers", layers), ("--all", unreplaced)] {
            let dry = json(&cache, &["gc", "-n", option, "--keep-recent=0s"]);
            assert_eq!(exact(&dry["totals"]["freed_bytes"]), freed + more, "{option}");
        }

        let df = json(&cache, &["df"]);
        let of = |name: &str| df["types"].as_array().unwrap().iter().find(|of| of["type"] == name);
        let reclaimable = |name| exact(&of(name).unwrap()["reclaimable_bytes"]);
        let sum: u64 = ["images", "leftovers", "others"].into_iter().map(reclaimable).sum();
        assert_eq!((sum, reclaimable("layers")), (freed, layers), "{df}");
        for item in df["items"].as_array().unwrap() {
            if let Some(entry) = listed.get(item["path"].as_str().unwrap()) {
                assert_eq!(item["usage"], entry["usage"]);
                assert_eq!(item["unique_bytes"], entry["unique_bytes"]);
            }
        }

        let (shown, dry) = (text(&cache, &["list"]), text(&cache, &["gc", "-n"]));
        for words in ["unreferenced layer", "unreplaced image"] {
            assert_eq!(line(&shown, words), line(&dry, words), "{words}");
        }
        let offer = line(&shown, "reclaimable (2 orphans and 1 leftover)").expect(&shown);
        let offered = offer.split(" reclaimable").next().unwrap();
        let sum = line(&dry, "freeing").expect(&dry);
        assert!(sum.contains(&format!("freeing {offered} (")), "{offer}\n{sum}");
        assert!(sum.contains("is shared with items that are kept"), "{sum}");

        let before = du(&cache.dir());
        let real = json(&cache, &["gc"]);
        assert_eq!(exact(&real["totals"]["freed_bytes"]), freed);
        // Files with a name outside the cache are gone from it, but free nothing.
        assert_eq!(before - du(&cache.dir()), freed + 303_104, "{real}");
    }
}
