//! `bbox cache diff`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::people::User;
use crate::support::cache::agents::Agent;
use crate::support::cache::{comb, rootfs};
use crate::support::{TestCache, du, run};

fn fill(top: &Path, files: &[(&str, usize)]) {
    for (path, kib) in files {
        fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
        fs::write(top.join(path), vec![1; kib << 10]).unwrap();
    }
}

fn config(command: &str, environment: &str) -> String {
    format!(r#"{{"Cmd": ["{command}"], "Env": [{environment}]}}"#)
}

#[test]
fn two_builds_side_by_side() {
    let cache = TestCache::in_memory();
    let old = [("opt/gone", 2048), ("usr/lib/python3.11/site.py", 1024), ("same", 4)];
    let new = [("opt/new", 5120), ("usr/lib/python3.12/site.py", 3072), ("same", 4)];
    let old = cache.image_with("0aaa", |top| fill(top, &old));
    let new = cache.image_with("0bbb", |top| fill(top, &new));
    fs::write(old.join(".oci-config.json"), config("one", r#""TOKEN=secret", "OLD=1""#)).unwrap();
    fs::write(new.join(".oci-config.json"), config("two", r#""TOKEN=hidden", "N=1""#)).unwrap();
    fs::set_permissions(new.join("same"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::set_permissions(old.join("same"), fs::Permissions::from_mode(0o644)).unwrap();
    cache.tag("example.com/b:1", "0bbb");
    let text = run(&cache, &["diff", "0aaa", "example.com/b:1"]).ok();
    let net = du(&new) as i64 - du(&old) as i64;
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("0aaa → 0bbb: net +5."), "{text}");
    assert!(first.ends_with(", added 5.0 MiB, removed 2.0 MiB"), "{text}");
    for line in [
        "old          (orphan)",
        "new          example.com/b:1",
        "command      one → two",
        "environment  N added",
        "environment  OLD removed",
        "environment  TOKEN changed",
        "grew         +2.0 MiB in files that both images have",
        "1 file of equal size: contents not compared (`--content`)",
        "+3.0 MiB  5.0 MiB  2.0 MiB            /opt",
        "+2.0 MiB                    +2.0 MiB  /usr/lib/python3.11 → python3.12",
        "mode 0644 → 4755  /same",
    ] {
        assert!(text.lines().any(|found| found.trim() == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
    assert!(run(&cache, &["diff", "0aaa", "0bbb", "-v"]).ok().contains("TOKEN: secret → hidden"));
    let read = run(&cache, &["diff", "0aaa", "0bbb", "--content", "--files"]).ok();
    assert!(read.contains("1 file of equal size read: 1 equal, 0 different"), "{read}");
    assert!(read.contains("/opt/new\n") && !read.contains("--content"), "{read}");
    let json = run(&cache, &["diff", "0aaa", "0bbb", "--json"]).json();
    assert_eq!((&json["net_bytes"], &json["complete"]), (&net.into(), &true.into()));
    assert_eq!(json["came_bytes"], 5 << 20);
    assert_eq!(json["old"]["digest"], "sha256:0aaa");
    assert_eq!(json["config"].as_array().unwrap().len(), 4);
    assert!(!json.to_string().contains("secret"), "{json}");
}

#[test]
fn an_orphan_is_compared_with_its_replacement() {
    let cache = TestCache::new();
    cache.pull(Agent::Codex, 1);
    cache.pull(Agent::Codex, 2);
    let [old, new] = [1, 2].map(|version| format!("sha256:{}", Agent::Codex.digest(version)));
    let json = run(&cache, &["diff", &old, "--json"]).json();
    assert_eq!(
        (&json["old"]["digest"], &json["new"]["digest"]),
        (&old.into(), &new.clone().into())
    );
    let diff = run(&cache, &["diff", &new]);
    assert_eq!(diff.code, 2);
    assert!(
        diff.err.contains("is not an orphan; specify the image to compare it with: `"),
        "{}",
        diff.err
    );
}

#[test]
fn images_that_cannot_be_compared_are_reported() {
    let cache = TestCache::new();
    cache.live("aa11");
    cache.image("bb11");
    for (arguments, code, reason) in [
        (&["diff", "aa11", "aa11"][..], 2, "both are sha256:aa11; choose two different images"),
        (&["diff", "aa11", "zzzz"], 1, "matches 'zzzz'"),
        (&["diff", "zzzz"], 1, "matches 'zzzz'"),
        (&["diff", "bb11"], 2, "it is unknown what replaced sha256:bb11"),
    ] {
        let diff = run(&cache, arguments);
        assert_eq!((diff.code, diff.out.as_str()), (code, ""), "{arguments:?}: {}", diff.err);
        assert!(diff.err.contains(reason), "{}", diff.err);
    }
}

#[test]
fn unreadable_files_make_a_diff_incomplete() {
    let cache = TestCache::new();
    let image = cache.image_with("aaaa", |top| fill(top, &[("secret/file", 8), ("x", 4)]));
    cache.image_with("bbbb", |top| fill(top, &[("secret/file", 8), ("x", 4)]));
    fs::set_permissions(image.join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    let user = User::new(&cache);
    let diff = user.run(&["diff", "aaaa", "bbbb"]);
    assert_eq!(diff.code, 1, "{}", diff.err);
    assert!(diff.out.contains("incomplete   not everything was readable"), "{}", diff.out);
    assert!(diff.err.contains("secret: Permission denied"), "{}", diff.err);
    fs::set_permissions(image.join("secret"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn names_are_hostile_and_trees_are_deep() {
    let cache = TestCache::in_memory();
    cache.image_with("aaaa", |top| comb(top, &["d"], 20_000));
    cache.image_with("bbbb", |top| fill(top, &[("\x1b[2J\u{202e}", 8)]));
    let text = run(&cache, &["diff", "aaaa", "bbbb"]).ok();
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
    let files = run(&cache, &["diff", "aaaa", "bbbb", "--files", "--top", "3"]).ok();
    assert!(files.contains("/\\u{1b}[2J\\u{202e}"), "{files:.2000}");
    // Too deep for the library that removes the test's directory.
    run(&cache, &["purge", "--force"]).ok();
}

#[test]
fn an_image_that_vanishes_meanwhile_ends_the_diff_or_changes_it() {
    let cache = TestCache::new();
    cache.image_with("a", |top| rootfs(top, 200));
    let vanishing = cache.image_with("b", |top| rootfs(top, 2_000));
    std::thread::scope(|scope| {
        scope.spawn(|| fs::remove_dir_all(&vanishing).unwrap());
        while vanishing.exists() {
            for arguments in [
                &["diff", "sha256:a", "sha256:b"][..],
                &["diff", "sha256:b", "sha256:a", "--content"],
            ] {
                let diff = run(&cache, arguments);
                let is_gone =
                    diff.err.contains(" no longer in ") || diff.err.contains("matches 'sha256:b'");
                // What disappears while it is read is missing from the numbers, which say so.
                let is_partial = diff.out.contains("at least") || diff.err.contains("warning");
                assert!(
                    diff.code == 0 || (diff.code == 1 && (is_gone || is_partial)),
                    "{}{}",
                    diff.out,
                    diff.err
                );
            }
        }
    });
    assert_eq!(run(&cache, &["diff", "sha256:a", "sha256:b"]).code, 1);
}
