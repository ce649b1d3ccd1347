//! A mount that appears in a tree while that is on its way out.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{Scene, snapshot};
use crate::strace::is_available;
use crate::support::run;

fn succeeds(program: &str, arguments: &[&Path]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn nothing_below_a_mount_that_appears_during_the_run_is_touched() {
    let scene = Scene::new();
    let (probe, canary) = (scene.cache.home().join("probe"), scene.cache.home().join("canary"));
    fs::create_dir(&probe).unwrap();
    let bind = |place: &Path| succeeds("mount", &["--bind".as_ref(), &canary, place]);
    if !is_available() || !bind(&probe) {
        return eprintln!("skipped: this needs `strace`, and root to mount");
    }
    assert!(succeeds("umount", &[&probe]));
    let hidden = scene.cache.path("tmp-gc-sha256-dead1");
    let dead = scene.cache.path("tmp-gc-dead-sha256-dead1");
    // The fourth rename of a run is the first of those that condemn: one restores, two hide.
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2"])
        .args(["-e", "inject=renameat2:delay_enter=1500000:when=4"])
        .arg(env!("CARGO_BIN_EXE_bbox"))
        .args(["cache", "gc", "--cache-dir"])
        .arg(scene.cache.dir())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !hidden.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    let before = snapshot(&canary);
    assert!(bind(&hidden.join("usr/lib")));
    let output = child.wait_with_output().unwrap();
    let after = snapshot(&canary);
    assert!(succeeds("umount", &[&dead.join("usr/lib")]), "it is not where it was expected");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((after, output.status.code()), (before, Some(1)), "{err}");
    let cause = "tmp-gc-dead-sha256-dead1/usr/lib: something is mounted there; unmount it first";
    assert!(err.contains(cause), "{err}");
    run(&scene.cache, &["gc"]).ok();
    scene.check_end("a mount has come and gone");
}
