//! `bbox cache gc`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::people::User;
use crate::support::cache::{age, small_tree};
use crate::support::{TestCache, bbox, du, run};

#[test]
fn each_removal_has_a_line_and_the_end_says_what_was_freed() {
    let cache = TestCache::new();
    cache.live("live");
    let bytes = du(&cache.image("dead"));
    let size = bytesize::ByteSize::b(bytes).display().iec().to_string();
    let dry = run(&cache, &["gc", "-n"]).ok();
    assert_eq!(
        dry,
        format!(
            "Would remove {}  {size:>10}  orphan\nWould remove 1 image, freeing {size}\n",
            "sha256:dead"
        )
    );
    let real = run(&cache, &["gc"]).ok();
    assert_eq!(
        real,
        format!("Removed {}  {size:>10}  orphan\nRemoved 1 image, freed {size}\n", "sha256:dead")
    );
    let again = run(&cache, &["gc"]).ok();
    assert_eq!(again, format!("Nothing to remove in {}.\n", cache.dir().display()));
}

#[test]
fn verbose_says_what_is_kept_and_why_and_quiet_says_nothing() {
    let cache = TestCache::new();
    cache.live("live");
    cache.image("dead");
    let text = run(&cache, &["gc", "-nv"]).ok();
    let kept = "Would keep   sha256:live              referenced: example.com/live:latest\n";
    assert!(text.contains(kept), "{text}");
    assert_eq!(run(&cache, &["gc", "-q"]).ok(), "");
    assert!(!cache.path("sha256-dead").exists());
}

#[test]
fn every_number_of_jobs_removes_the_same() {
    for jobs in ["1", "2", "64", "200"] {
        let cache = TestCache::new();
        let live = du(&cache.live("live"));
        (0..5).for_each(|n| drop(cache.image(&format!("dead{n}"))));
        let gc = run(&cache, &["gc", "--jobs", jobs, "--format", "json"]).json();
        assert_eq!(gc["totals"]["removed"], 5);
        assert_eq!(du(&cache.path("sha256-live")), live);
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 2);
    }
}

#[test]
fn what_an_interrupted_gc_left_is_finished() {
    let cache = TestCache::new();
    fs::create_dir(cache.path("tmp-gc-sha256-x")).unwrap();
    small_tree(&cache.path("tmp-gc-sha256-x"));
    cache.image("x");
    cache.layer("l");
    fs::write(cache.path("layers/tmp-gc-sha256-y"), "a layer may be a file").unwrap();
    let text = run(&cache, &["gc"]).ok();
    assert!(text.contains("interrupted-gc"), "{text}");
    assert!(text.contains("Removed 1 image and 2 leftovers, freed"), "{text}");
    let left: Vec<_> = fs::read_dir(cache.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["layers"]);
}

#[test]
fn symlinks_and_hard_links_lead_nowhere() {
    let cache = TestCache::new();
    let canary = cache.home().join("canary");
    small_tree(&canary);
    let before = listing(&canary);
    let dead = cache.image("dead");
    std::os::unix::fs::symlink(&canary, dead.join("link")).unwrap();
    std::os::unix::fs::symlink(&canary, cache.path("sha256-link")).unwrap();
    fs::hard_link(canary.join("usr/lib/c"), dead.join("hard")).unwrap();
    age(&dead, Duration::from_secs(3600));
    let reclaimable =
        du(&dead) - fs::metadata(canary.join("usr/lib/c")).map(|_| 72 * 1024).unwrap();
    let gc = run(&cache, &["gc", "--format", "json"]).json();
    assert_eq!(gc["totals"]["freed_bytes"], reclaimable, "the canary still holds the linked file");
    assert_eq!(listing(&canary), before);
    assert!(cache.path("sha256-link").symlink_metadata().is_ok(), "a stranger is not touched");
}

fn listing(top: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = vec![];
    for entry in fs::read_dir(top).unwrap().map(Result::unwrap) {
        found.push((entry.path(), entry.metadata().unwrap().len()));
        if entry.file_type().unwrap().is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_deep_tree_goes_and_so_does_one_that_is_closed_to_its_owner() {
    let cache = TestCache::new();
    cache.image_with("deep", |top| {
        let mut path = top.to_owned();
        for level in 0..300 {
            path.push("d");
            fs::create_dir(&path).unwrap();
            fs::write(path.join(format!("f{level}")), "x").unwrap();
        }
        (0..290).for_each(|_| {
            path.pop();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).unwrap();
        });
        age(top, Duration::from_secs(3600));
    });
    let closed = cache.image("closed");
    for (name, mode) in [("usr/lib/deep/er", 0o000), ("usr/lib/deep", 0o444), ("usr", 0o500)] {
        fs::set_permissions(closed.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let user = User::new(&cache);
    let dry = user.run(&["gc", "-n"]);
    assert!(dry.out.contains("at least"), "{}", dry.out);
    let gc = user.run(&["gc"]);
    assert_eq!((gc.code, gc.err.as_str()), (0, ""));
    assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 0);
}

#[test]
fn a_ref_that_is_being_written_is_waited_for() {
    let cache = TestCache::new();
    cache.image("a");
    let path = cache.tag("example.com/a:1", "a");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, "").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            fs::write(&path, &whole[..10]).unwrap();
            std::thread::sleep(Duration::from_millis(100));
            fs::write(&path, &whole).unwrap();
        });
        run(&cache, &["gc"]).ok();
    });
    assert!(cache.path("sha256-a/usr/a").exists());
}

#[test]
fn an_image_that_has_just_arrived_is_given_time_to_get_its_ref() {
    let cache = TestCache::new();
    let image = cache.image("a");
    age(&image, Duration::ZERO);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            cache.tag("example.com/a:1", "a");
        });
        run(&cache, &["gc"]).ok();
    });
    assert!(image.join("usr/a").exists());
}

#[test]
fn only_what_is_doomed_gets_another_mode() {
    let cache = TestCache::new();
    let closed = cache.image("closed");
    let user = User::new(&cache);
    fs::set_permissions(cache.dir(), fs::Permissions::from_mode(0o775)).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(user.run(&["gc"]).code, 0);
    assert!(!closed.exists());
    assert_eq!(fs::metadata(cache.dir()).unwrap().permissions().mode() & 0o777, 0o775);
}

#[test]
fn what_is_mounted_in_an_orphan_stays() {
    let cache = TestCache::new();
    let dead = cache.image("dead");
    cache.image("other");
    let canary = cache.home().join("canary");
    small_tree(&canary);
    let mounted = dead.join("usr/lib");
    let mount = |program: &str, arguments: &[&Path]| {
        std::process::Command::new(program)
            .args(arguments)
            .output()
            .is_ok_and(|o| o.status.success())
    };
    if !mount("mount", &["--bind".as_ref(), &canary, &mounted]) {
        return eprintln!("skipped: only root can mount");
    }
    let before = listing(&canary);
    let gc = run(&cache, &["gc"]);
    let hidden = cache.path("tmp-gc-sha256-dead/usr/lib");
    assert!(mount("umount", &[&hidden]) || mount("umount", &[&mounted]), "{}", gc.err);
    assert_eq!(listing(&canary), before);
    assert_eq!(gc.code, 1);
    assert!(gc.err.contains("usr/lib: something is mounted there"), "{}", gc.err);
    assert!(!cache.path("sha256-other").exists());
    run(&cache, &["gc"]).ok();
    assert!(!cache.path("tmp-gc-sha256-dead").exists());
}

#[test]
fn a_signal_ends_the_waiting_for_another_collection() {
    let cache = TestCache::new();
    cache.image("dead");
    let root = fs::File::open(cache.dir()).unwrap();
    rustix::fs::flock(&root, rustix::fs::FlockOperation::LockExclusive).unwrap();
    for (signal, code) in
        [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)]
    {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_bbox"))
            .args(["cache", "gc", "-q", "--cache-dir"])
            .arg(cache.dir())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
    assert!(cache.path("sha256-dead").exists());
}

#[test]
fn a_second_collection_waits_for_the_first() {
    let cache = TestCache::new();
    cache.image("dead");
    let root = fs::File::open(cache.dir()).unwrap();
    rustix::fs::flock(&root, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let waiting = bbox(&cache, &["gc"]);
    std::thread::scope(|scope| {
        let gc = scope.spawn(|| crate::support::finish(waiting));
        std::thread::sleep(Duration::from_millis(300));
        assert!(cache.path("sha256-dead").exists());
        drop(root);
        let gc = gc.join().unwrap();
        assert!(gc.err.contains("waiting for it to end"), "{}", gc.err);
        assert_eq!(gc.code, 0);
    });
    assert!(!cache.path("sha256-dead").exists());
}
