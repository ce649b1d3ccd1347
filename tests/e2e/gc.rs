//! `bbox cache gc`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::people::User;
use crate::support::cache::{age, small_tree};
use crate::support::{TestCache, du, exactly, run};

#[test]
fn each_removal_has_a_line_and_the_summary_tells_what_was_freed() {
    let cache = TestCache::in_memory();
    cache.live("live");
    let bytes = du(&cache.image("dead"));
    let size = bytesize::ByteSize::b(bytes).display().iec().to_string();
    let dry = run(&cache, &["gc", "-n"]).ok();
    assert_eq!(
        dry,
        format!(
            "Would remove {}  {size:>10}  orphan: used 30 min ago\nWould remove 1 image, freeing {size}\n",
            "dead"
        )
    );
    let real = run(&cache, &["gc"]).ok();
    // If others write to the same file system meanwhile, its own figure may follow.
    let expected = format!(
        "Removed {}  {size:>10}  orphan: used 30 min ago\nRemoved 1 image, freed {size}",
        "dead"
    );
    assert!(real.starts_with(&expected), "{real}");
    let again = run(&cache, &["gc"]).ok();
    assert_eq!(again, format!("Nothing to remove in {}.\n", cache.dir().display()));
}

#[test]
fn verbose_tells_what_is_kept_and_why_and_quiet_prints_nothing() {
    let cache = TestCache::new();
    cache.live("live");
    cache.image("dead");
    let text = run(&cache, &["gc", "-nv"]).out;
    let kept = "Would keep   live              referenced: example.com/live:latest\n";
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
fn an_interrupted_gc_is_finished_by_the_next_one() {
    let cache = TestCache::new();
    for name in ["tmp-gc-sha256-x", "tmp-gc-dead-sha256-z"] {
        fs::create_dir(cache.path(name)).unwrap();
        small_tree(&cache.path(name), &cache.outside());
    }
    cache.image("x");
    cache.layer("l");
    fs::write(cache.path("layers/tmp-gc-sha256-y"), "a layer may be a file").unwrap();
    let text = run(&cache, &["gc"]).ok();
    assert!(text.contains("interrupted-gc"), "{text}");
    assert!(text.contains("Removed 1 image and 3 leftovers, freed"), "{text}");
    let left: Vec<_> = fs::read_dir(cache.dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "layers" || name == "refs"), "{left:?}");
}

#[test]
fn symlinks_and_hard_links_lead_nowhere() {
    let cache = TestCache::in_memory();
    let canary = cache.home().join("canary");
    small_tree(&canary, &cache.outside());
    let before = listing(&canary);
    let dead = cache.image("dead");
    std::os::unix::fs::symlink(&canary, dead.join("link")).unwrap();
    std::os::unix::fs::symlink(&canary, cache.path("sha256-link")).unwrap();
    fs::hard_link(canary.join("usr/lib/c"), dead.join("hard")).unwrap();
    age(&dead, Duration::from_secs(3600));
    let reclaimable =
        du(&dead) - fs::metadata(canary.join("usr/lib/c")).map(|_| 72 * 1024).unwrap();
    let gc = run(&cache, &["gc", "--format", "json"]).json();
    let freed = &gc["totals"]["freed_bytes"];
    assert_eq!(*freed, exactly(reclaimable), "the canary still has the linked file");
    assert_eq!(listing(&canary), before);
    assert!(
        cache.path("sha256-link").symlink_metadata().is_ok(),
        "a symlink is not part of the cache"
    );
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
fn deep_trees_and_trees_closed_to_their_owner_are_removed() {
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
    assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 1, "only refs");
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
fn only_entries_to_be_removed_get_another_mode() {
    let cache = TestCache::new();
    let closed = cache.image("closed");
    let user = User::new(&cache);
    fs::set_permissions(cache.dir(), fs::Permissions::from_mode(0o775)).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Its config is no longer visible, so it may be arriving.
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(user.run(&["gc", "--all"]).code, 0);
    assert!(!closed.exists());
    assert_eq!(fs::metadata(cache.dir()).unwrap().permissions().mode() & 0o777, 0o775);
}

#[test]
fn an_orphan_in_which_something_is_mounted_stays_as_it_is() {
    let cache = TestCache::new();
    let dead = cache.image("dead");
    cache.image("other");
    let canary = cache.home().join("canary");
    small_tree(&canary, &cache.outside());
    let place = dead.join("usr/lib");
    let Some(mount) = Mount::new(&canary, &place) else {
        return eprintln!("skipped: only root can mount");
    };
    let (before, image) = (listing(&canary), listing(&dead));
    let dry = run(&cache, &["gc", "-n"]).ok();
    let gc = run(&cache, &["gc"]);
    assert_eq!((gc.code, gc.err.as_str()), (0, ""));
    assert!(gc.out.contains(&format!("mount: {}/usr/lib", dead.display())), "{}", gc.out);
    assert!(gc.out.contains("Removed 1 image, ") && dry.contains("mount: "), "{}", gc.out);
    assert_eq!((listing(&canary), listing(&dead)), (before.clone(), image));
    assert!(!cache.path("sha256-other").exists());
    let purge = run(&cache, &["purge", "--force"]);
    assert_eq!(purge.code, 1);
    assert!(purge.err.contains("usr/lib; unmount it first"), "{}", purge.err);
    assert_eq!(listing(&canary), before);
    drop(mount);
    run(&cache, &["gc"]);
    assert!(!dead.exists());
}

/// A mount that lasts as long as a test.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// `None` without permission to mount.
    fn new(what: &Path, place: &'a Path) -> Option<Self> {
        let arguments = ["--bind".as_ref(), what.as_os_str(), place.as_os_str()];
        let output = std::process::Command::new("mount").args(arguments).output();
        output.is_ok_and(|output| output.status.success()).then(|| Self(place))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        assert!(std::process::Command::new("umount").arg(self.0).status().unwrap().success());
    }
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

/// Sets or clears an attribute of a file. Returns whether that was possible.
fn mark(change: &str, path: &Path) -> bool {
    let output = std::process::Command::new("chattr").arg(change).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn immutable_entries_are_reported_with_a_remedy_and_the_rest_is_removed() {
    let cache = TestCache::new();
    let dead = cache.image("dead");
    cache.image("other");
    let (file, directory) = (dead.join("usr/a"), dead.join("usr/lib"));
    if !mark("+i", &file) || !mark("+i", &directory) {
        return eprintln!("skipped: only root can mark files, and not on every file system");
    }
    let gc = run(&cache, &["gc", "-v"]);
    let hidden = cache.path("tmp-gc-dead-sha256-dead");
    mark("-i", &hidden.join("usr/a"));
    mark("-i", &hidden.join("usr/lib"));
    assert_eq!(gc.code, 1);
    let file = "usr/a: Operation not permitted; it is marked as immutable or append-only: run \
                `chattr -i -a /";
    let directory = "usr/lib/c: Operation not permitted; its directory is marked as immutable";
    assert!(gc.err.contains(file) && gc.err.contains(directory), "{}", gc.err);
    assert!(!hidden.join("usr/b").exists() && !cache.path("sha256-other").exists());
    run(&cache, &["gc"]).ok();
    assert!(!hidden.exists());
}
