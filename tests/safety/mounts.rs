//! A mount that appears in a tree while the tree is being removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{COLLECT, Scene};
use crate::strace::{ONLY_TRACED, is_available};
use crate::support::{TestCache, run};

fn succeeds(program: &str, arguments: &[&Path]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Bind-mounts a directory with a file in it. It is in every list of mounts, but on the same
/// device.
fn bind(home: &Path, place: &Path) -> bool {
    let mounted = home.join("mounted");
    fs::create_dir_all(&mounted).unwrap();
    fs::write(mounted.join(FILE), "mounted").unwrap();
    succeeds("mount", &["--bind".as_ref(), &mounted, place])
}

/// Mounts a file system with a file in it. It has a device of its own, which is all that a status
/// reveals about a mount on systems other than Linux.
fn mount_tmpfs(place: &Path) -> bool {
    let tmpfs: [&Path; 3] = ["-t".as_ref(), "tmpfs".as_ref(), "bbox-test".as_ref()];
    let is_mounted = succeeds("mount", &[&tmpfs[..], &[place]].concat());
    is_mounted && fs::write(place.join(FILE), "mounted").is_ok()
}

/// Unmounts it. Returns whether it was there and untouched.
fn unmount(place: &Path) -> bool {
    let is_whole = fs::read(place.join(FILE)).is_ok_and(|content| content == b"mounted");
    succeeds("umount", &[place]) && is_whole
}

const FILE: &str = "not-of-the-cache";

fn may_mount(scene: &Scene) -> bool {
    let probe = scene.cache.home().join("probe");
    fs::create_dir(&probe).unwrap();
    let may_mount = is_available() && mount_tmpfs(&probe);
    match may_mount {
        true => assert!(unmount(&probe)),
        false => eprintln!("skipped: this needs `strace`, and root to mount"),
    }
    may_mount
}

/// Runs a gc that pauses before its nth rename: one restores, two hide, the others commit. During
/// the pause, calls `mount` with a directory in an orphan.
fn mount_before_rename(scene: &Scene, nth: u32, mount: impl FnOnce(&Path) -> bool) -> Output {
    let hidden = scene.cache.path("tmp-gc-sha256-dead1");
    let child = Command::new("strace")
        .args(ONLY_TRACED)
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2"])
        .args(["-e", &format!("inject=renameat2:delay_enter=3000000:when={nth}")])
        .arg(env!("CARGO_BIN_EXE_bbox"))
        .args(["cache", "gc", "-v", "--cache-dir"])
        .arg(scene.cache.dir())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    // Wait for the pause, which is longer than any other stop.
    let mut stopped = BTreeMap::new();
    let mut since = begun;
    while stopped.is_empty() || !hidden.exists() || since.elapsed() < Duration::from_millis(400) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not pause");
        std::thread::sleep(Duration::from_millis(5));
        let now = stopped_threads(child.id());
        if now != stopped {
            (stopped, since) = (now, Instant::now());
        }
    }
    assert!(mount(&hidden.join("usr/lib")));
    child.wait_with_output().unwrap()
}

/// The threads of a tracer's child that are stopped, and how often each has been stopped before.
fn stopped_threads(tracer: u32) -> BTreeMap<PathBuf, String> {
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).unwrap();
    let threads = children.split_whitespace().filter_map(|child| {
        // It may be gone by now.
        fs::read_dir(format!("/proc/{child}/task")).ok()
    });
    let threads = threads.flatten().filter_map(|thread| {
        let path = thread.ok()?.path();
        let status = fs::read_to_string(path.join("status")).ok()?;
        let is_stopped = field(&status, "State:").starts_with('t');
        is_stopped.then(|| (path, field(&status, "voluntary_ctxt_switches:")))
    });
    threads.collect()
}

#[test]
fn a_mount_that_appears_before_anything_is_deleted_brings_the_image_back() {
    // Not every system can tell mounts apart on a file system in memory.
    let scene = Scene::on(TestCache::new());
    if !may_mount(&scene) {
        return;
    }
    let output = mount_before_rename(&scene, 3, |place| bind(scene.cache.home(), place));
    let mounted = scene.cache.path("sha256-dead1/usr/lib");
    assert!(unmount(&mounted), "it is not where it was expected, or not whole");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("something was mounted in it"), "{out}");
    scene.check("a mount has come and gone");
    assert!(scene.has("dead1") && !scene.has("dead2"));
    run(&scene.cache, &COLLECT).ok();
    scene.check_end("a mount has come and gone");
}

#[test]
fn nothing_below_a_mount_that_appears_during_a_deletion_is_touched() {
    // Not every system can tell mounts apart on a file system in memory.
    let scene = Scene::on(TestCache::new());
    if !may_mount(&scene) {
        return;
    }
    let output = mount_before_rename(&scene, 5, mount_tmpfs);
    let mounted = scene.cache.path("tmp-gc-dead-sha256-dead1/usr/lib");
    assert!(unmount(&mounted), "it is not where it was expected, or not whole");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    let cause = "tmp-gc-dead-sha256-dead1/usr/lib: something is mounted there; unmount it first";
    assert!(err.contains(cause), "{err}");
    run(&scene.cache, &COLLECT).ok();
    scene.check_end("a mount has come and gone");
}
