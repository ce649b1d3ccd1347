//! The behaviour of the Go program's `list`, `gc` and `purge`, rule by rule, and where ours is
//! better.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::cache::age;
use crate::support::{Run, TestCache, bare, finish, run};

fn left(cache: &TestCache) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(cache.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn gc_removes_every_image_that_no_ref_names_and_only_those() {
    let cache = TestCache::new();
    cache.live("live");
    cache.image("dead1");
    cache.image("dead2");
    fs::create_dir(cache.path("sha512-other")).unwrap();
    run(&cache, &["gc"]).ok();
    assert_eq!(left(&cache), ["refs", "sha256-live", "sha512-other"]);
}

#[test]
fn without_refs_everything_is_an_orphan() {
    let cache = TestCache::new();
    cache.image("a");
    cache.image("b");
    fs::remove_dir(cache.path("refs")).unwrap();
    let list = run(&cache, &["list"]);
    assert_eq!((list.code, list.out.matches("  orphan\n").count()), (0, 2), "{}", list.out);
    let gc = run(&cache, &["gc"]);
    // Ours warns that the index may have been dropped, before it removes anything.
    for err in [&list.err, &gc.err] {
        assert!(
            err.contains("refs does not exist: Brood Box may have dropped its references"),
            "{err}"
        );
    }
    assert_eq!((gc.code, left(&cache).len()), (0, 0));
}

#[test]
fn an_empty_or_blank_ref_protects_nothing() {
    let cache = TestCache::new();
    cache.image("a");
    let empty = cache.raw_ref("empty", "");
    let blank = cache.raw_ref("blank", " \n\t ");
    let gc = run(&cache, &["gc"]);
    assert_eq!(
        (gc.code, gc.err.matches("does not protect any image: it is empty").count()),
        (0, 2)
    );
    assert_eq!(left(&cache), ["refs"]);
    // Ours reports that, and keeps the refs.
    let list = run(&cache, &["list", "--format", "json"]).json();
    let invalid = list["refs"]["invalid"].as_array().unwrap();
    let of = |path: &std::path::Path| {
        invalid.iter().find(|found| found["path"] == path.to_str().unwrap()).unwrap()
    };
    assert_eq!(of(&empty)["problem"], "it is empty");
    assert_eq!(of(&blank)["problem"], "it is empty");
}

#[test]
fn a_ref_in_the_old_form_keeps_its_image_and_has_no_name() {
    let cache = TestCache::new();
    cache.image("old");
    cache.raw_ref("0", "sha256:old\n");
    run(&cache, &["gc"]).ok();
    assert_eq!(left(&cache), ["refs", "sha256-old"]);
    assert!(run(&cache, &["list"]).ok().contains("(unknown image)"));
}

#[test]
fn layers_and_extractions_are_left_alone() {
    let cache = TestCache::new();
    cache.layer("a");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::create_dir(cache.path("layers/tmp-layer-1")).unwrap();
    run(&cache, &["gc"]).ok();
    assert_eq!(left(&cache), ["layers", "tmp-rootfs-1"]);
    assert!(cache.path("layers/sha256-a/usr/a").exists());
    assert!(cache.path("layers/tmp-layer-1").exists());
}

/// The Go program skips an unreadable ref, and then removes its image.
#[test]
fn deviation_an_unreadable_ref_stops_gc_before_it_removes_anything() {
    let cache = TestCache::new();
    cache.image("a");
    let path = cache.tag("example.com/a:1", "a");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let user = crate::people::User::new(&cache);
    let gc = user.run(&["gc"]);
    assert_eq!(gc.code, 1, "{}", gc.err);
    assert!(gc.err.contains("Permission denied; nothing was removed"), "{}", gc.err);
    assert_eq!(left(&cache), ["refs", "sha256-a"]);
    let list = user.run(&["list"]);
    assert_eq!(list.code, 1);
    assert!(list.err.contains("so gc will remove nothing"), "{}", list.err);
    assert!(list.out.contains("(no readable reference)") && !list.out.contains("reclaimable"));
}

/// The Go program does not report what it could not remove, and exits with 0.
#[test]
fn deviation_failed_removals_are_reported_and_the_rest_is_removed() {
    let cache = TestCache::new();
    let stuck = cache.image("stuck");
    cache.image("gone");
    let user = crate::people::User::new(&cache);
    // A directory of another user without write permission, too deep to be found in advance: its
    // entries cannot be removed.
    let foreign = stuck.join("usr/foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("file"), "x").unwrap();
    age(&stuck, Duration::from_secs(3600));
    if !user.is_separate() {
        eprintln!("skipped: only root can make files of another user");
        return;
    }
    let gc = user.run(&["gc"]);
    assert_eq!(gc.code, 1, "{}", gc.err);
    let cause = "foreign/file: Permission denied; its directory is owned by uid 0: run this as";
    assert!(gc.err.contains(cause), "{}", gc.err);
    assert!(gc.out.contains("Removed 1 image, "), "{}", gc.out);
    assert!(gc.out.contains("1 item could not be removed"), "{}", gc.out);
    assert_eq!(left(&cache), ["refs", "tmp-gc-dead-sha256-stuck"]);
    assert_eq!(fs::read_dir(cache.path("tmp-gc-dead-sha256-stuck")).unwrap().count(), 1);
}

/// The Go program counts a hard link each time it finds one.
#[test]
fn deviation_a_hard_link_counts_once() {
    let cache = TestCache::new();
    let image = cache.image_with("a", |top| fs::write(top.join("one"), vec![1; 100_000]).unwrap());
    fs::hard_link(image.join("one"), image.join("two")).unwrap();
    let list = run(&cache, &["list", "--format", "json"]).json();
    let config = fs::metadata(image.join(".oci-config.json")).unwrap().len();
    assert_eq!(list["images"][0]["usage"]["apparent_bytes"], 100_000 + config);
    assert_eq!(list["images"][0]["usage"]["files"], 3);
}

/// In the Go program, a dry run uses different code from a real run.
#[test]
fn deviation_the_dry_run_shows_the_plan_that_is_carried_out() {
    let cache = TestCache::new();
    cache.live("live");
    cache.image("dead");
    cache.layer("layer");
    let dry = run(&cache, &["gc", "--dry-run", "--format", "json"]).json();
    assert_eq!(left(&cache), ["layers", "refs", "sha256-dead", "sha256-live"]);
    let real = run(&cache, &["gc", "--format", "json"]).json();
    assert_eq!(dry["decisions"], real["decisions"]);
    assert_eq!(dry["totals"]["freed_bytes"], real["totals"]["freed_bytes"]);
    assert_eq!((&dry["dry_run"], &real["dry_run"]), (&true.into(), &false.into()));
}

#[test]
fn a_missing_cache_is_an_error_only_if_it_was_named() {
    let cache = TestCache::new();
    fs::remove_dir(cache.dir()).unwrap();
    let none = cache.home().join("none");
    for arguments in [&["list"][..], &["list", "--sizes"], &["gc"], &["gc", "-n"], &["purge"]] {
        let mut usual = bare();
        usual.arg("cache").args(arguments).env("XDG_CACHE_HOME", &none);
        let out = finish(usual).ok();
        let words = format!("No image cache at {}/broodbox/images yet: ", none.display());
        assert!(out.starts_with(&words) && out.lines().count() == 1, "{out}");
    }
    assert_eq!((run(&cache, &["purge"]).code, run(&cache, &["dir"]).code), (0, 0));
    let words = format!("error: {} does not exist\n", cache.dir().display());
    for arguments in [&["list"][..], &["gc"], &["gc", "-n"], &["show", "a"], &["rm", "-y", "a"]] {
        let Run { code, out, err } = run(&cache, arguments);
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", words.as_str()), "{arguments:?}");
    }
}

#[test]
fn a_parent_of_a_cache_is_not_taken_for_one() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let meant = format!("did you mean {}?\n", cache.dir().display());
    for arguments in [&["list"][..], &["gc"], &["gc", "-n"], &["show", "a"], &["rm", "-y", "a"]] {
        let mut command = bare();
        command.args(["cache", "--cache-dir"]).arg(cache.home()).args(arguments);
        let Run { code, out, err } = finish(command);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(
            err.contains("does not look like an image cache") && err.ends_with(&meant),
            "{err}"
        );
    }
    assert!(image.exists());
}

#[test]
fn a_dangling_ref_is_removed_after_a_minute_and_an_unusable_one_is_reported() {
    let cache = TestCache::new();
    cache.live("live");
    let gone = cache.dangling("example.com/gone:1", "gone");
    let young = cache.tag("example.com/young:1", "young");
    let broken = cache.raw_ref("broken", "");
    let list = run(&cache, &["list"]);
    assert!(
        list.out.contains(
            "2 references point to missing images (example.com/gone:1, example.com/young:1)"
        ),
        "{}",
        list.out
    );
    let dry = run(&cache, &["gc", "-n"]);
    assert!(dry.out.starts_with("Would remove ref ") && gone.exists(), "{}", dry.out);
    let gc = run(&cache, &["gc"]);
    assert_eq!(gc.code, 0, "{}", gc.err);
    let line = |start: &str| gc.out.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("Removed ref ").ends_with("dangling: example.com/gone:1"), "{}", gc.out);
    assert!(line("Kept    ref ").ends_with("recent: example.com/young:1"), "{}", gc.out);
    assert!(line("Removed 1 reference, freed").contains("KiB"), "{}", gc.out);
    assert!(gc.err.contains("refs/broken does not protect any image: it is empty"), "{}", gc.err);
    assert!(!gone.exists() && young.exists() && broken.exists());
    assert_eq!(left(&cache), ["refs", "sha256-live"]);
}

#[test]
fn an_image_in_which_a_machine_has_run_is_marked() {
    let cache = TestCache::new();
    fs::write(cache.live("abcd1").join("bbox-init"), "").unwrap();
    cache.live("abcd2");
    let list = run(&cache, &["list", "--sizes"]).ok();
    assert_eq!(list.matches("example.com/abcd1:latest (used in place)").count(), 1, "{list}");
    assert_eq!(list.matches("(used in place)").count(), 1, "{list}");
    let show = run(&cache, &["show", "abcd1"]);
    assert!(show.err.contains("maybe credentials") && show.err.contains(" rm abcd1"));
    assert!(!run(&cache, &["show", "abcd2"]).err.contains("credentials"));
    let json = run(&cache, &["show", "abcd1", "--format", "json"]).json();
    assert_eq!(json["used_in_place"], true);
}
