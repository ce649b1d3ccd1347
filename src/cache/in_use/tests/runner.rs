//! Processes with an entry among their arguments but nothing of it open.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn a_runner_is_found_by_its_argument_however_the_cache_is_spelled() {
    let files = TestCache::new();
    let entry = files.image("a");
    files.image("ab");
    let [link, other] = ["link", "other"].map(|name| files.home().join(name));
    symlink(files.dir(), &link).unwrap();
    symlink(files.home(), &other).unwrap();
    let spelled = [&entry, &link.join("sha256-a"), &other.join("images/sha256-a/usr")]
        .map(|path| Running::with_argument(serde_json::json!({ "root_path": path }).to_string()));
    for cache in [open(files.dir()), open(&link)] {
        for child in &spelled {
            assert_user(&cache, &image("sha256-a"), child);
        }
        assert_eq!(cache.users().unwrap().unwrap().get(&image("sha256-ab")), []);
    }
}

#[test]
fn a_relative_argument_is_resolved_in_the_directory_of_its_process() {
    let files = TestCache::new();
    files.image("a");
    let argument = r#"{"root_path":"images/sha256-a"}"#;
    let mut command = Command::new("sh");
    command.args(["-c", "read line", "runner", argument]).current_dir(files.home());
    let child = Running::start(command.stdin(Stdio::piped()));
    assert_user(&open(files.dir()), &image("sha256-a"), &child);
}

#[test]
fn a_renamed_entry_keeps_its_user_by_its_old_name() {
    let files = TestCache::new();
    let entry = files.image("a");
    let link = files.home().join("link");
    symlink(files.dir(), &link).unwrap();
    let argument = serde_json::json!({ "root_path": link.join("sha256-a/usr") }).to_string();
    let child = Running::with_argument(argument);
    fs::rename(&entry, files.dir().join("tmp-hidden")).unwrap();
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &child);
    assert!(!is_user(&cache, &image("tmp-hidden"), &child));
}
