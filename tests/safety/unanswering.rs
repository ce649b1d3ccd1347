//! File systems that do not answer, and others with strange habits.

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::served::{Files, Served};
use crate::support::TestCache;

/// A child that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Longer than any of this takes. A blocked run is killed after that, and fails the test.
const TOO_LONG: &str = "20";

fn in_time(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", TOO_LONG, env!("CARGO_BIN_EXE_bbox"), "cache", "--cache-dir"]);
    let output = command.arg(directory).args(arguments).env("HOME", "/nobody/is/here").output();
    let output = output.unwrap();
    assert_eq!(output.status.signal(), None, "{arguments:?} waits");
    output
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

const LOOKS: [&[&str]; 5] =
    [&["list"], &["list", "--sizes"], &["show", "sha256:live"], &["gc", "-n"], &["purge", "-n"]];

fn files(list: &[(&str, Option<&[u8]>)]) -> Files {
    let file = |&(path, content): &(&str, Option<&[u8]>)| {
        (PathBuf::from(path), content.map(<[u8]>::to_vec))
    };
    list.iter().map(file).collect()
}

fn mount_point(cache: &TestCache) -> PathBuf {
    let point = cache.home().join("served");
    fs::create_dir(&point).unwrap();
    point
}

#[test]
fn a_program_on_a_file_system_that_does_not_answer_does_not_block_the_program() {
    let cache = TestCache::new();
    let (live, point) = (cache.live("live"), mount_point(&cache));
    cache.image("dead");
    let program = fs::read("/bin/sleep").unwrap();
    let Some(served) = Served::mount(&point, &files(&[("agent", Some(&program))]), true) else {
        return;
    };
    let mut command = Command::new(point.join("agent"));
    let _user = Running(command.arg0("sleep").arg("60").current_dir(&live).spawn().unwrap());
    let _waits = served.stop();
    for arguments in LOOKS {
        let output = in_time(&cache.dir(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let gc = in_time(&cache.dir(), &["gc", "-v"]);
    assert!(text(&gc).contains("Removed dead"), "{}", text(&gc));
    let shown = in_time(&cache.dir(), &["show", "sha256:live"]);
    assert!(text(&shown).contains("in use by agent (pid "), "{}", text(&shown));
}

#[test]
fn a_mount_in_an_image_is_not_touched() {
    let cache = TestCache::new();
    let image = cache.image("live");
    cache.image("dead");
    let Some(served) = Served::mount(&image.join("usr"), &files(&[]), true) else { return };
    let _waits = served.stop();
    for arguments in LOOKS {
        let output = in_time(&cache.dir(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let gc = in_time(&cache.dir(), &["gc"]);
    assert!(text(&gc).contains("Kept    live"), "{}", text(&gc));
    assert!(!cache.path("sha256-dead").exists());
}

#[test]
fn an_entry_that_is_a_mount_point_is_reported_and_not_touched() {
    let cache = TestCache::new();
    let image = cache.image("mounted");
    cache.image("dead");
    let Some(served) = Served::mount(&image, &files(&[]), true) else { return };
    let _waits = served.stop();
    let gc = in_time(&cache.dir(), &["gc"]);
    let expected = "sha256-mounted: the file system mounted there may not answer";
    assert!(text(&gc).contains(expected), "{}", text(&gc));
    assert_eq!(gc.status.code(), Some(1));
    assert!(!cache.path("sha256-dead").exists());
}

/// The cache itself is on such a file system: the program has to wait, but its main thread must
/// not.
#[test]
fn a_signal_ends_a_run_that_waits_in_the_kernel() {
    let cache = TestCache::new();
    let point = mount_point(&cache);
    let Some(served) = Served::mount(&point, &files(&[("images", None)]), true) else { return };
    let _waits = served.stop();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "list", "--cache-dir"]).arg(point.join("images"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    crate::signals::await_listening(&child);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(crate::signals::wait(&mut child).code(), Some(130));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.contains("interrupted: a file system did not respond"), "{err}");
}

/// FUSE and some network file systems have such numbers. Then nothing can tell whether the cache
/// was replaced while the program waited for its lock.
#[test]
fn changing_inode_numbers_do_not_prevent_locking() {
    let cache = TestCache::new();
    let point = mount_point(&cache);
    let list = [("images", None), ("images/sha256-dead", None), ("images/sha256-live", None)];
    let refs = [("images/refs", None), ("images/refs/r", Some(&b"r\tsha256:live\n"[..]))];
    let all = files(&[&list[..], &refs].concat());
    let Some(_served) = Served::mount(&point, &all, false) else { return };
    let gc = in_time(&point.join("images"), &["gc"]);
    assert!(text(&gc).contains("Removed dead"), "{}", text(&gc));
}

#[test]
fn a_directory_with_skipped_names_is_removed_if_each_pass_removes_some() {
    let cache = TestCache::new();
    let point = mount_point(&cache);
    let list = [("images", None), ("images/sha256-dead", None), ("images/sha256-dead/d", None)];
    let mut all = files(&list);
    // Two names are listed at a time and the next two skipped, so each pass removes half of them.
    let names = (0..2000).map(|n| PathBuf::from(format!("images/sha256-dead/d/{n}")));
    all.extend(names.map(|name| (name, Some(Vec::new()))));
    let Some(_served) = Served::mount(&point, &all, true) else { return };
    let gc = in_time(&point.join("images"), &["gc", "-j", "1"]);
    assert!(gc.status.success(), "{}", text(&gc));
    assert!(!point.join("images/sha256-dead").exists(), "{}", text(&gc));
}
