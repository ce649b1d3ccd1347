//! `bbox cache purge`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{TestCache, bare, bbox, du, exactly, finish, run};

fn full() -> TestCache {
    let cache = TestCache::in_memory();
    cache.live("a");
    cache.image("b");
    cache.layer("l");
    cache.raw_ref("broken", "");
    fs::create_dir(cache.path("refs/directory")).unwrap();
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("notes.txt"), "mine").unwrap();
    symlink(cache.outside(), cache.path("out")).unwrap();
    cache
}

#[test]
fn force_removes_everything_and_tells_what() {
    let cache = full();
    let bytes = du(&cache.dir());
    let purge = run(&cache, &["purge", "--force", "--format", "json"]);
    assert_eq!((purge.code, purge.err.as_str()), (0, ""));
    assert!(!cache.dir().exists());
    let purge = purge.json();
    assert_eq!(purge["totals"]["freed_bytes"], exactly(bytes));
    assert_eq!(purge["totals"]["removed"], purge["decisions"].as_array().unwrap().len());
}

#[test]
fn a_dry_run_removes_nothing() {
    let cache = full();
    let bytes = du(&cache.dir());
    let text = run(&cache, &["purge", "-n"]).ok();
    assert!(text.contains("Would remove"), "{text}");
    let json = run(&cache, &["purge", "-n", "--format", "json"]).json();
    assert_eq!((&json["totals"]["freed_bytes"], du(&cache.dir())), (&exactly(bytes), bytes));
}

#[test]
fn without_a_terminal_and_without_force_it_refuses() {
    let cache = full();
    let purge = run(&cache, &["purge"]);
    assert_eq!(purge.code, 2);
    assert!(purge.err.contains("--force"), "{}", purge.err);
    assert!(cache.path("sha256-a").exists());
}

#[test]
fn it_refuses_the_home_directory_and_its_parents() {
    let cache = full();
    let home = cache.dir().join("home");
    fs::create_dir(&home).unwrap();
    for place in [home.as_path(), &cache.dir(), cache.home()] {
        let mut command = bare();
        command.env("HOME", &home).args(["cache", "purge", "--force", "--cache-dir"]).arg(place);
        let purge = finish(command);
        assert_eq!(purge.code, 2, "{}", purge.err);
        assert!(purge.err.contains("refusing to purge"), "{}", purge.err);
        assert!(cache.path("sha256-a").exists());
    }
}

#[test]
fn it_refuses_a_directory_that_is_not_a_cache() {
    // A git repository has `refs`, too.
    for names in [&["HEAD", "config", "refs/heads"][..], &["src/main.rs"], &["tmp-notes/x"]] {
        let cache = TestCache::new();
        for name in names {
            fs::create_dir_all(cache.path(name).parent().unwrap()).unwrap();
            fs::write(cache.path(name), "precious").unwrap();
        }
        let purge = run(&cache, &["purge", "--force"]);
        assert_eq!(purge.code, 2, "{names:?}: {}", purge.err);
        assert!(names.iter().all(|name| cache.path(name).exists()));
    }
}

#[test]
fn a_cache_on_another_disk_is_emptied_and_its_symlink_stays() {
    let cache = full();
    let link = cache.home().join("link");
    symlink(cache.dir(), &link).unwrap();
    let mut command = bare();
    command.args(["cache", "purge", "--force", "--cache-dir"]).arg(link.join(""));
    let purge = finish(command);
    assert_eq!(purge.code, 0, "{}", purge.err);
    assert_eq!(fs::read_dir(&link).unwrap().count(), 0);
    assert!(purge.out.contains("Removed the contents of "), "{}", purge.out);
}

#[test]
fn an_empty_cache_needs_no_question_and_stays() {
    let cache = TestCache::new();
    let text = run(&cache, &["purge"]).ok();
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_purge_that_could_not_finish_is_finished_by_the_next_one() {
    let cache = full();
    // The state left by a purge that was killed after its renames.
    fs::rename(cache.path("sha256-a"), cache.path("tmp-gc-sha256-a")).unwrap();
    assert_eq!(finish(bbox(&cache, &["purge", "-y"])).code, 0);
    assert!(!cache.dir().exists());
}
