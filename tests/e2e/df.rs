//! `df`: everything that Brood Box keeps on a machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TestCache, bare, du, finish};

/// A home with a cache, everything that can lie beside one, and the folders of some microVMs.
struct Home {
    files: TestCache,
    cache_home: PathBuf,
}

impl Home {
    fn new() -> Self {
        let files = TestCache::in_memory();
        files.live("live");
        files.image("orphan");
        let cache_home = files.home().join("cache");
        let broodbox = cache_home.join("broodbox");
        fs::create_dir_all(&broodbox).unwrap();
        fs::rename(files.dir(), broodbox.join("images")).unwrap();
        fs::create_dir(files.dir()).unwrap();
        Self { files, cache_home }
    }

    fn broodbox(&self) -> PathBuf {
        self.cache_home.join("broodbox")
    }

    fn vms(&self) -> PathBuf {
        self.files.home().join(".config/broodbox/vms")
    }

    /// A file of 10,000 bytes.
    fn write(&self, path: impl AsRef<Path>) {
        let path = self.files.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [1; 10_000]).unwrap();
    }

    fn vm(&self, name: &str, state: &str) -> PathBuf {
        let data = self.vms().join(name).join("data");
        fs::create_dir_all(data.join("rootfs-work")).unwrap();
        fs::write(data.join("go-microvm-state.json"), state).unwrap();
        data
    }

    fn run(&self, arguments: &[&str]) -> crate::support::Run {
        let mut command = bare();
        command.env("HOME", self.files.home()).env("XDG_CACHE_HOME", &self.cache_home);
        command.args(["cache", "df"]).args(arguments);
        finish(command)
    }

    fn json(&self) -> Value {
        self.run(&["--json"]).json()
    }
}

/// The row of a type: how many there are, how many are active, and bytes on disk.
fn row(document: &Value, name: &str) -> (u64, Option<u64>, u64) {
    let types = document["types"].as_array().unwrap();
    let of = types.iter().find(|of| of["type"] == name).unwrap();
    let bytes = of["usage"]["on_disk_bytes"].as_u64().unwrap();
    (of["total"].as_u64().unwrap(), of["active"].as_u64(), bytes)
}

fn item<'d>(document: &'d Value, name: &str) -> &'d Value {
    let items = document["items"].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name}: {document}"))
}

#[test]
fn everything_is_counted_once_and_the_total_is_that_of_du() {
    let home = Home::new();
    home.write("cache/broodbox/firmware/libkrunfw.so");
    home.write("cache/broodbox/runtime/extract-12ab/runner");
    home.write("cache/broodbox/runtime/extract-tmp-1/runner");
    home.write("cache/broodbox/snapshots/.sandbox-snapshot-1/work");
    home.write("cache/broodbox/log");
    home.write("cache/broodbox/images/tmp-rootfs-1/file");
    let image = home.broodbox().join("images/sha256-live/linked");
    fs::write(&image, [1; 50_000]).unwrap();
    let clone = home.vm("one", "{}").join("rootfs-work/linked");
    fs::hard_link(image, clone).unwrap();
    let document = home.json();
    let total = document["total"]["on_disk_bytes"].as_u64().unwrap();
    // A hard link between the two counts once.
    let both = std::process::Command::new("du")
        .args(["-skc"])
        .args([home.broodbox(), home.vms()])
        .output()
        .unwrap();
    let both = String::from_utf8(both.stdout).unwrap();
    let last = both.lines().last().unwrap().split_whitespace().next().unwrap();
    assert_eq!(total, last.parse::<u64>().unwrap() * 1024);
    assert_eq!(document["shared_counts_once"], true);
    let counts = ["images", "layers", "leftovers", "firmware", "runtime", "snapshots", "vms"]
        .map(|name| (row(&document, name).0, row(&document, name).1));
    let expected =
        [(2, 1), (0, 0), (1, 1), (1, 0), (2, 0), (1, 0), (1, 0)].map(|(all, of)| (all, Some(of)));
    assert_eq!(counts, expected);
    let bytes = row(&document, "images").2;
    let images =
        ["sha256-live", "sha256-orphan"].map(|name| home.broodbox().join("images").join(name));
    assert_eq!(bytes, images.iter().map(|image| du(image)).sum::<u64>());
}

#[test]
fn what_looks_dead_is_told_with_its_path_and_nothing_offers_to_remove_it() {
    let home = Home::new();
    let gone = i32::MAX;
    let running = format!(r#"{{"active": true, "pid": {}}}"#, std::process::id());
    let crashed = format!(r#"{{"active": true, "pid": {gone}}}"#);
    home.vm("running", &running);
    home.vm("swept", &crashed);
    let data = home.vm("kept", &crashed);
    fs::write(data.join("console.log"), [b'x'; 5_000]).unwrap();
    home.vm("stopped", r#"{"active": false, "pid": 1}"#);
    home.vm("broken", "{");
    home.write("cache/broodbox/snapshots/.sandbox-snapshot-whole/work");
    home.write("cache/broodbox/snapshots/.sandbox-snapshot-whole.sentinel");
    home.write("cache/broodbox/snapshots/.sandbox-snapshot-leaked/work");
    let document = home.json();
    for (name, state) in [
        ("running", "running"),
        ("swept", "crashed"),
        ("kept", "crashed"),
        ("stopped", "stopped"),
        ("broken", "unknown"),
        (".sandbox-snapshot-leaked", "no sentinel"),
    ] {
        assert_eq!(item(&document, name)["state"], state, "{name}");
    }
    assert_eq!(row(&document, "vms").1, Some(1));
    let text = home.run(&[]).ok();
    let lines = text.lines().skip_while(|line| !line.starts_with("These look dead"));
    let dead: Vec<_> = lines.skip(1).take_while(|line| line.starts_with("  ")).collect();
    assert_eq!(dead.len(), 3, "{text}");
    for (path, why) in [
        ("snapshots/.sandbox-snapshot-leaked", "no .sentinel file".to_owned()),
        (
            "vms/kept",
            format!("process {gone} is gone, but Brood Box keeps it because data/console.log"),
        ),
        ("vms/swept", format!("process {gone} is gone: Brood Box removes it")),
    ] {
        let line = dead.iter().find(|line| line.contains(path)).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(&why) && line.contains("changed just now"), "{line}");
    }
    for name in ["snapshots", "microVMs"] {
        let row = text.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(!row.contains("bbox"), "{row}");
    }
}

#[test]
fn symlinks_are_not_followed_and_hostile_names_are_escaped() {
    let home = Home::new();
    symlink(home.files.outside(), home.broodbox().join("runtime")).unwrap();
    fs::create_dir_all(home.vms()).unwrap();
    symlink(home.files.outside(), home.vms().join("link")).unwrap();
    home.write("cache/broodbox/\x1b[31mred");
    let document = home.json();
    assert_eq!(row(&document, "runtime").0, 0);
    assert_eq!(row(&document, "vms").0, 0);
    assert_eq!(row(&document, "others").0, 3, "{document}");
    let text = home.run(&["-v"]).ok();
    assert!(!text.contains('\x1b') && text.contains("red"), "{text}");
}

#[test]
fn without_a_cache_the_rest_is_shown_and_without_anything_there_is_no_error() {
    let home = Home::new();
    fs::remove_dir_all(home.broodbox().join("images")).unwrap();
    home.write("cache/broodbox/firmware/libkrunfw.so");
    let document = home.json();
    assert_eq!((row(&document, "images").0, row(&document, "firmware").0), (0, 1));
    fs::remove_dir_all(home.broodbox()).unwrap();
    let text = home.run(&[]).ok();
    assert!(text.lines().any(|line| line.starts_with("total") && line.ends_with("0 B")), "{text}");
}
