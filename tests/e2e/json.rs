//! The JSON documents, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::support::cache::agents::Agent;
use crate::support::{TestCache, du, exactly, run};

/// The possible types of every field of every command, as documented in `docs/json.md`. A change of
/// a name or type requires a new `schema_version`; a new field requires a new line in both places.
const SCHEMA: &str = include_str!("json_schema.txt");

/// Adds each field of a document to a schema: its path, and the types found there.
fn add_fields(schema: &mut BTreeMap<String, BTreeSet<&'static str>>, path: &str, value: &Value) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    schema.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(name, value)| add_fields(schema, &format!("{path}.{name}"), value));
        }
        Value::Array(items) => {
            items.iter().for_each(|item| add_fields(schema, &format!("{path}[]"), item));
        }
        _ => {}
    }
}

/// A line of the schema: the path of a field, and its possible types.
fn field(line: &'static str) -> (&'static str, Vec<&'static str>) {
    let (path, kinds) = line.split_once(": ").unwrap();
    (path, kinds.split(" or ").collect())
}

#[test]
fn the_schema_is_the_one_that_is_documented() {
    let cache = TestCache::in_memory();
    cache.live("live");
    cache.configure("live", r#"{"Entrypoint":["/bin/agent"],"Cmd":["x"],"Env":["A=1"]}"#);
    cache.image("orphan");
    cache.configure("orphan", r#"{"Entrypoint":["/bin/agent"]}"#);
    cache.pull(Agent::Codex, 1);
    cache.dangling("example.com/gone:1", "gone");
    cache.raw_ref("old", "sha256:orphan");
    cache.raw_ref("broken", "");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("notes.txt"), "").unwrap();
    let lease = cache.path("sha256-live");
    let in_use = fs::File::open(lease.join(".oci-config.json")).unwrap();
    let nowhere = cache.home().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let told: BTreeMap<&str, Vec<&str>> = SCHEMA.lines().map(field).collect();
    let mut seen = BTreeMap::new();
    for words in [
        &["list", "--no-sizes"][..],
        &["list", "--sizes"],
        &["show", "live", "--files", "-v"],
        &["show", "orphan"],
        &["diff", "orphan", "live"],
        &["diff", "orphan", "live", "--files", "--content"],
        &["gc", "-n", "--max-size", "1B", "--keep-recent", "0s"],
        &["gc", "--keep-recent", "0s"],
        &["rm", "-n", "live"],
        &["purge", "-n"],
        &["tag", "live", "example.com/other:1"],
        &["untag", "example.com/other:1"],
        &["dir"],
        &["dedupe", "-n"],
        &["df"],
        &["list", "--cache-dir", nowhere],
    ] {
        let document = run(&cache, &[words, &["--json"]].concat()).json();
        assert_eq!(document["schema_version"], 3, "{words:?}");
        let name = if document.get("error").is_some() { "failure" } else { words[0] };
        add_fields(&mut seen, name, &document);
    }
    drop(in_use);
    for (path, kinds) in &seen {
        let told = told.get(path.as_str()).unwrap_or_else(|| panic!("{path} is not documented"));
        assert!(kinds.iter().all(|kind| told.contains(kind)), "{path}: {kinds:?}, not {told:?}");
    }
    // An object has all of its fields, whatever their values.
    let is_seen = |path: &str| seen.get(path).is_some_and(|kinds| kinds.contains("object"));
    for path in told.keys().filter(|path| !path.ends_with("[]")) {
        let Some((object, _)) = path.rsplit_once('.') else { continue };
        assert!(!is_seen(object) || seen.contains_key(*path), "{path} is gone");
    }
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
    assert_eq!(list["cache_dir"], cache.dir().to_str().unwrap());
    let [image, orphan] = list["images"].as_array().unwrap().as_slice() else { panic!("{list}") };
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
    assert_eq!(image["usage"]["complete"], true);
    let layer = &list["layers"][0];
    // It was not pulled: the test has set its times.
    assert_eq!((&layer["status"], &layer["reason"]), (&json!("unknown"), &json!("contradiction")));
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
    assert_eq!(list["others"][0]["name"], "notes.txt");
    assert_eq!(list["totals"]["usage"]["on_disk_bytes"], du(&cache.dir()));
    let bytes = du(&cache.path("sha256-orphan"));
    assert_eq!(orphan["unique_bytes"], exactly(bytes));
    // Includes the reference whose image is gone.
    assert_eq!(list["totals"]["reclaimable_bytes"], exactly(bytes + 4096));
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
    assert_eq!(show["files"], Value::Null);
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
    let [kept, removed] = gc["decisions"].as_array().unwrap().as_slice() else { panic!("{gc}") };
    assert_eq!((&kept["action"], &kept["reason"]), (&json!("keep"), &json!("referenced")));
    assert_eq!((&removed["action"], &removed["reason"]), (&json!("remove"), &json!("orphan")));
    assert_eq!((&kept["usage"], &removed["error"]), (&Value::Null, &Value::Null));
    let totals = &gc["totals"];
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
fn a_command_that_fails_as_a_whole_prints_a_document() {
    let cache = TestCache::new();
    cache.live("live");
    let unreadable = cache.path("refs/loop");
    std::os::unix::fs::symlink("loop", &unreadable).unwrap();
    let parent = cache.home().to_str().unwrap();
    let path = |value: &Value| value["error"]["path"].as_str().unwrap().to_owned();
    for (words, code, expected, hint) in [
        (&["gc"][..], 1, unreadable.to_str().unwrap(), None),
        (&["list", "--cache-dir", parent], 1, parent, Some("did you mean")),
    ] {
        let failed = run(&cache, &[words, &["--json"]].concat());
        let document = failed.json();
        assert_eq!((failed.code, path(&document).as_str()), (code, expected), "{words:?}");
        assert!(failed.err.starts_with("error: "), "{}", failed.err);
        let message = document["error"]["message"].as_str().unwrap();
        assert!(failed.err.contains(message), "{message}");
        let said = document["error"]["hint"].as_str();
        assert_eq!(said.is_some(), hint.is_some(), "{said:?}");
        assert!(said.is_none_or(|said| said.contains(hint.unwrap())), "{said:?}");
    }
    let typo = run(&cache, &["lst", "--json"]);
    assert_eq!((typo.code, typo.out.as_str()), (2, ""));
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
