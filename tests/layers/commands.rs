//! What `list` and `gc` report and do about layers, through the program.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::owner::Owner;
use crate::support::{TestCache, du, exactly, run};

/// An orphan and a live image, each with a layer of its own, and a third layer that they share.
fn two_images() -> Owner {
    let mut owner = Owner::on(TestCache::in_memory());
    owner.pull("a:1", "old", &["base", "old"]);
    owner.pull("a:1", "new", &["base", "new"]);
    owner.forget("sha256-old");
    owner
}

fn du_of(owner: &Owner, layers: &[&str]) -> u64 {
    layers.iter().map(|layer| du(&owner.layer(layer))).sum()
}

fn find<'v>(list: &'v Value, kind: &str, digest: &str) -> &'v Value {
    let mut entries = list[kind].as_array().unwrap().iter();
    entries.find(|entry| entry["digest"] == digest).unwrap()
}

#[test]
fn list_shows_the_layers_of_images_and_the_images_of_layers() {
    let owner = two_images();
    let list = run(&owner.cache, &["list", "--format", "json"]).json();
    for (image, layers) in [("old", ["base", "old"]), ("new", ["base", "new"])] {
        let found = find(&list, "images", &format!("sha256:{image}"));
        let digests = layers.map(|layer| format!("sha256:{layer}"));
        // The orphan's times were set back, so they mean nothing any more.
        match image {
            "old" => {
                assert_eq!((&found["layers"], &found["layers_bytes"]), (&Value::Null, &Value::Null))
            }
            _ => {
                let bytes = du_of(&owner, &["sha256-base", "sha256-new"]);
                assert_eq!(found["layers"], json!(digests));
                assert_eq!(found["layers_bytes"], json!({"bytes": bytes, "complete": true}));
            }
        }
    }
    for (layer, status, images) in [
        ("base", "referenced", json!(["sha256:new"])),
        ("new", "referenced", json!(["sha256:new"])),
        ("old", "unreferenced", json!([])),
    ] {
        let found = find(&list, "layers", &format!("sha256:{layer}"));
        assert_eq!((&found["status"], &found["images"]), (&json!(status), &images));
        assert_eq!(found["reason"], Value::Null);
    }
    let old = exactly(du_of(&owner, &["sha256-old"]));
    assert_eq!(list["totals"]["layers_reclaimable_bytes"], old);
    let text = run(&owner.cache, &["list", "--sizes"]).ok();
    let row = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(row("new  ").contains("  2  "), "{text}");
    assert!(row("base").ends_with("referenced    by 1 image"), "{text}");
    assert!(row("old   ").ends_with("?             (orphan) older a:1?"), "{text}");
    let whole = run(&owner.cache, &["list", "--sizes", "--no-trunc"]).ok();
    assert!(whole.contains("by sha256:new"), "{whole}");
}

#[test]
fn show_counts_the_layers_of_an_image_and_lists_them_on_request() {
    let owner = two_images();
    let [brief, verbose] = [&["show", "sha256:new"][..], &["show", "sha256:new", "-v"]]
        .map(|words| run(&owner.cache, words).ok());
    assert!(brief.contains("\nlayers       2\napparent  "), "{brief}");
    let [base, new] = ["sha256-base", "sha256-new"].map(|layer| du_of(&owner, &[layer]));
    let [both, one, other] = [base + new, base, new]
        .map(|bytes| bytesize::ByteSize::b(bytes).display().iec().to_string());
    let lines = format!(
        "\nlayers       2 ({both})
             sha256:base  {one:>9}
             sha256:new   {other:>9}\n"
    );
    assert!(verbose.contains(&lines), "{verbose}");
    for (option, bytes) in
        [("--no-progress", Value::Null), ("-v", json!({"bytes": base + new, "complete": true}))]
    {
        let json = run(&owner.cache, &["show", "sha256:new", "--format", "json", option]).json();
        assert_eq!(json["layers"], json!(["sha256:base", "sha256:new"]));
        assert_eq!(json["layers_bytes"], bytes);
    }
    let json = run(&owner.cache, &["show", "sha256:new", "--format", "json"]).json();
    assert!(json["born"].as_str().unwrap() < json["last_used"].as_str().unwrap());
    assert!(run(&owner.cache, &["show", "sha256:old"]).ok().contains("\nlayers       unknown\n"));
}

#[test]
fn a_plain_gc_keeps_layers_and_reports_their_size_in_its_last_line() {
    let owner = two_images();
    let bytes = exactly(du_of(&owner, &["sha256-old"]));
    let dry =
        run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "-n", "--format", "json"]).json();
    assert_eq!(dry["totals"]["layers_reclaimable_bytes"], bytes);
    let gc = run(&owner.cache, &["gc", "--all", "--keep-recent=0s"]).ok();
    let line = gc.lines().last().unwrap();
    assert!(line.contains(" reclaimable (1 unreferenced layer): run `"), "{gc}");
    assert!(line.ends_with(" gc --layers`"), "{gc}");
    assert_eq!(owner.layers().len(), 3);
    let again = run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "-v"]).ok();
    assert!(again.contains("Kept    layer old               unreferenced\n"), "{again}");
    let layers =
        run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers", "--format", "json"])
            .json();
    assert_eq!(layers["totals"]["freed_bytes"], bytes);
    assert_eq!(owner.layers(), owner.needed());
    let last = run(&owner.cache, &["gc", "--all", "--keep-recent=0s"]).ok();
    assert_eq!(last.lines().count(), 1, "nothing is left to say: {last}");
}

#[test]
fn the_layers_of_a_removed_image_are_removed_in_the_same_run() {
    let owner = two_images();
    let freed = du(&owner.cache.path("sha256-old")) + du_of(&owner, &["sha256-old"]);
    let [dry, real] = [
        &["gc", "--all", "--keep-recent=0s", "--layers", "-n"][..],
        &["gc", "--all", "--keep-recent=0s", "--layers"],
    ]
    .map(|arguments| run(&owner.cache, &[arguments, &["--format", "json"]].concat()).json());
    for found in [&dry, &real] {
        assert_eq!(found["totals"]["freed_bytes"], exactly(freed));
        let removed = found["decisions"].as_array().unwrap().iter();
        let removed = removed.filter(|decision| decision["action"] == "remove");
        let reasons: Vec<_> =
            removed.map(|decision| decision["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, ["orphan", "unreferenced-layer"]);
    }
    assert_eq!(owner.layers(), owner.needed());
}

/// A process that lives as long as the test.
struct Inside(std::process::Child);

impl Inside {
    fn new(directory: PathBuf) -> Self {
        Self(Command::new("sleep").arg("60").current_dir(directory).spawn().unwrap())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn all_layers_are_removed_except_those_in_use() {
    let mut owner = two_images();
    let mut pull = owner.begin("b:1", "b", &["pulled"]);
    assert!(pull.advance());
    let inside = Inside::new(owner.layer("sha256-new"));
    let gc = run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers=all"]).ok();
    assert!(gc.contains("in-use: sleep (pid "), "{gc}");
    assert!(gc.contains("in-use: a pull may need it"), "{gc}");
    let left = owner.layers();
    assert!(left.contains("sha256-new") && left.contains("sha256-pulled"), "{left:?}");
    assert!(!left.contains("sha256-old"), "{left:?}");
    drop(inside);
    pull.finish();
    run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers=all"]).ok();
    assert!(owner.layers().is_empty());
    assert!(["sha256-new", "sha256-b"].iter().all(|image| owner.cache.path(image).exists()));
}

#[test]
fn an_invalid_choice_of_layers_is_refused() {
    let owner = two_images();
    let gc = run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--layers=some"]);
    assert_eq!(gc.code, 2);
    assert!(gc.err.contains("[possible values: unreferenced, all]"), "{}", gc.err);
    let [one, two] = [
        &["gc", "--all", "--keep-recent=0s", "-n", "--layers", "all"][..],
        &["gc", "--all", "--keep-recent=0s", "-n", "--layers=all"],
    ];
    assert_eq!(run(&owner.cache, one).out, run(&owner.cache, two).out);
    let gc = run(&owner.cache, &["gc", "--all", "--keep-recent=0s", "--temp-age", "soon"]);
    assert_eq!(gc.code, 2);
    assert!(gc.err.contains("expected a duration, such as"), "{}", gc.err);
}
