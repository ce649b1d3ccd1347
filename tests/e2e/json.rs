//! The documents, field by field.

use std::fs;

use serde_json::{Value, json};

use crate::support::{TestCache, du, exactly, run};

/// The names of an object's fields, in order of the alphabet.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn list_has_all_its_fields() {
    let cache = TestCache::in_memory();
    let live = cache.live("live");
    cache.image("orphan");
    cache.layer("layer");
    for image in ["live", "orphan"] {
        cache.configure(image, r#"{"Entrypoint":["/bin/agent"]}"#);
    }
    cache.dangling("example.com/gone:1", "gone");
    cache.raw_ref("broken", "");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("notes.txt"), "").unwrap();
    let list = run(&cache, &["list", "--format", "json", "--sort", "name"]).json();
    assert_eq!(
        fields(&list),
        [
            "cache_dir",
            "images",
            "layers",
            "leftovers",
            "refs",
            "schema_version",
            "strangers",
            "totals",
            "warnings"
        ]
    );
    assert_eq!(list["schema_version"], 2);
    assert_eq!(list["cache_dir"], cache.dir().to_str().unwrap());
    let [image, orphan] = list["images"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!(
        fields(image),
        [
            "digest",
            "guess",
            "in_use",
            "last_used",
            "layers",
            "layers_bytes",
            "path",
            "refs",
            "status",
            "unique_bytes",
            "usage",
            "used_in_place"
        ]
    );
    assert_eq!((&image["guess"], &image["in_use"]), (&Value::Null, &json!(false)));
    assert_eq!(
        orphan["guess"],
        json!({"ref": "example.com/live:latest", "program": null, "runs": ["/bin/agent"]})
    );
    assert_eq!(image["digest"], "sha256:live");
    assert_eq!(image["path"], live.to_str().unwrap());
    assert_eq!(image["refs"], json!(["example.com/live:latest"]));
    assert_eq!((&image["status"], &orphan["status"]), (&json!("live"), &json!("orphan")));
    assert!(image["last_used"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        fields(&image["usage"]),
        ["apparent_bytes", "complete", "directories", "files", "on_disk_bytes"]
    );
    assert_eq!(image["usage"]["complete"], true);
    let layer = &list["layers"][0];
    assert_eq!(
        fields(layer),
        ["digest", "images", "last_used", "path", "reason", "status", "unique_bytes", "usage"]
    );
    // Nobody has pulled it: the test has set its times.
    assert_eq!((&layer["status"], &layer["reason"]), (&json!("unknown"), &json!("contradiction")));
    assert_eq!(
        fields(&list["leftovers"][0]),
        ["last_changed", "name", "path", "unique_bytes", "usage"]
    );
    assert_eq!(list["refs"]["total"], 3);
    assert_eq!(
        list["refs"]["dangling"],
        json!([{"ref": "example.com/gone:1", "digest": "sha256:gone"}])
    );
    let broken = cache.path("refs/broken");
    assert_eq!(
        list["refs"]["invalid"],
        json!([{"path": broken.to_str().unwrap(), "problem": "it is empty"}])
    );
    assert_eq!(list["strangers"][0]["name"], "notes.txt");
    assert_eq!(list["totals"]["on_disk_bytes"], du(&cache.dir()));
    let bytes = exactly(du(&cache.path("sha256-orphan")));
    assert_eq!((&list["totals"]["reclaimable_bytes"], &orphan["unique_bytes"]), (&bytes, &bytes));
    assert_eq!(list["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn show_has_all_its_fields() {
    let cache = TestCache::in_memory();
    let live = cache.live("live");
    cache.configure(
        "live",
        r#"{"Entrypoint": ["/bin/agent"], "Cmd": ["run"], "WorkingDir": "/work", "User": "agent",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]}"#,
    );
    let show = run(&cache, &["show", "live", "--format", "json"]).json();
    assert_eq!(
        fields(&show),
        [
            "born",
            "cache_dir",
            "config",
            "digest",
            "directories",
            "files",
            "guess",
            "in_use",
            "last_used",
            "layers",
            "layers_bytes",
            "path",
            "refs",
            "schema_version",
            "status",
            "unique_bytes",
            "usage",
            "used_in_place",
            "warnings"
        ]
    );
    assert_eq!((&show["schema_version"], &show["files"]), (&json!(2), &Value::Null));
    assert_eq!((&show["digest"], &show["status"]), (&json!("sha256:live"), &json!("live")));
    assert_eq!(show["path"], live.to_str().unwrap());
    assert_eq!(show["refs"], json!(["example.com/live:latest"]));
    assert_eq!(
        show["config"],
        json!({
            "entrypoint": ["/bin/agent"],
            "command": ["run"],
            "environment": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "working_directory": "/work",
            "user": "agent"
        })
    );
    assert_eq!(show["usage"]["on_disk_bytes"], du(&live));
    assert_eq!(show["unique_bytes"], exactly(du(&live)));
    let directory = &show["directories"][0];
    assert_eq!(fields(directory), ["depth", "path", "usage"]);
    assert_eq!((&directory["path"], &directory["depth"]), (&json!("/usr"), &json!(1)));
    assert_eq!(directory["usage"], {
        let mut usage = show["usage"].clone();
        usage["on_disk_bytes"] = json!(du(&live.join("usr")));
        usage["directories"] = json!(4);
        usage["files"] = json!(7);
        usage["apparent_bytes"] = directory["usage"]["apparent_bytes"].clone();
        usage
    });
    let files = run(&cache, &["show", "live", "--format", "json", "--files", "--top", "1"]).json();
    let largest = json!([{
        "path": "/usr/lib/c",
        "apparent_bytes": 70_000,
        "on_disk_bytes": du(&live.join("usr/lib/c")),
    }]);
    assert_eq!(files["files"], largest);
}

#[test]
fn gc_has_all_its_fields() {
    let cache = TestCache::in_memory();
    cache.live("live");
    let bytes = du(&cache.image("orphan"));
    let gc = run(&cache, &["gc", "--format", "json"]).json();
    assert_eq!(
        fields(&gc),
        ["cache_dir", "decisions", "dry_run", "schema_version", "totals", "warnings"]
    );
    let [kept, removed] = gc["decisions"].as_array().unwrap().as_slice() else { panic!("{gc}") };
    assert_eq!(
        fields(kept),
        [
            "action",
            "digest",
            "error",
            "kind",
            "last_used",
            "mount",
            "path",
            "reason",
            "refs",
            "usage",
            "users"
        ]
    );
    assert_eq!((&kept["action"], &kept["reason"]), (&json!("keep"), &json!("referenced")));
    assert_eq!((&removed["action"], &removed["reason"]), (&json!("remove"), &json!("orphan")));
    assert_eq!((&kept["usage"], &removed["error"]), (&Value::Null, &Value::Null));
    let totals = &gc["totals"];
    assert_eq!(
        fields(totals),
        [
            "failed",
            "file_system_freed_bytes",
            "freed_bytes",
            "kept",
            "layers_reclaimable_bytes",
            "removed",
            "unreplaced",
            "unreplaced_bytes"
        ]
    );
    assert_eq!(
        (&totals["removed"], &totals["kept"], &totals["failed"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(totals["freed_bytes"], exactly(bytes));
    assert!(totals["file_system_freed_bytes"].is_i64());
    let again = run(&cache, &["gc", "--format", "json"]).json();
    assert_eq!(again["totals"]["file_system_freed_bytes"], Value::Null, "nothing was removed");
}

#[test]
fn a_missing_cache_still_gives_a_whole_document() {
    let cache = TestCache::new();
    fs::remove_dir(cache.dir()).unwrap();
    for verb in ["list", "gc", "purge"] {
        let document = run(&cache, &[verb, "--format", "json"]).json();
        assert_eq!(document["schema_version"], 2);
        assert_eq!(document["warnings"], json!([]));
    }
}

#[test]
fn dir_prints_the_directory() {
    let cache = TestCache::new();
    let dir = cache.dir();
    assert_eq!(run(&cache, &["dir"]).ok(), format!("{}\n", dir.display()));
    assert_eq!(
        run(&cache, &["dir", "--format", "json"]).json()["cache_dir"],
        dir.to_str().unwrap()
    );
}
