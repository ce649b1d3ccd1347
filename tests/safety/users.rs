//! The users of an image, as the program reports them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::support::TestCache;

/// A child that is killed at the end of the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn succeeds(command: &mut Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn gc(cache: &TestCache, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "gc", "--cache-dir"]).arg(cache.dir()).args(arguments);
    command.env("HOME", "/nobody/is/here").output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// Undoes something at the end of a test.
struct Undo(&'static str, Vec<PathBuf>);

impl Drop for Undo {
    fn drop(&mut self) {
        assert!(succeeds(Command::new(self.0).args(&self.1)), "{} {:?}", self.0, self.1);
    }
}

#[test]
fn a_swap_file_is_in_use_by_the_kernel() {
    let cache = TestCache::new();
    let file = cache.image("swap").join("usr/swap file");
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let is_swap = succeeds(Command::new("chmod").arg("600").arg(&file))
        && succeeds(Command::new("mkswap").arg(&file))
        && succeeds(Command::new("swapon").arg(&file));
    if !is_swap {
        return eprintln!("skipped: no swap file can be used here");
    }
    let _undo = Undo("swapoff", vec![file]);
    let out = text(&gc(&cache, &[]));
    assert!(out.contains("in-use: the kernel (swap)"), "{out}");
}

#[test]
fn a_file_behind_a_loop_device_is_in_use_by_the_kernel() {
    let cache = TestCache::new();
    let file = cache.image("disk").join("usr/disk");
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let found = Command::new("losetup").args(["--find", "--show"]).arg(&file).output();
    let Some(found) = found.ok().filter(|found| found.status.success()) else {
        return eprintln!("skipped: there is no loop device to be had");
    };
    let device = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    let expected = format!("in-use: the kernel ({})", device.file_name().unwrap().display());
    let _undo = Undo("losetup", vec!["-d".into(), device]);
    let out = text(&gc(&cache, &[]));
    assert!(out.contains(&expected), "{out}");
}

/// The marks of a process among its open files.
fn marks(process: &Child) -> Vec<PathBuf> {
    let links = fs::read_dir(format!("/proc/{}/fd", process.id())).into_iter().flatten().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    targets
        .filter(|target| target.starts_with("/memfd:bbox-cache: walks a cache (deleted)"))
        .collect()
}

#[test]
fn neither_name_of_the_program_counts_the_other_as_a_user() {
    let programs = [env!("CARGO_BIN_EXE_bbox"), env!("CARGO_BIN_EXE_bbox-cache")];
    for (waits, collects) in [(programs[0], programs[1]), (programs[1], programs[0])] {
        let cache = TestCache::new();
        let image = cache.image("dead");
        let words = |program: &str| if program == programs[0] { &["cache"][..] } else { &[] };
        let lock = File::open(cache.dir()).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let mut command = Command::new(waits);
        let command = command.args(words(waits)).args(["gc", "--cache-dir"]).arg(cache.dir());
        let waiting = Running::start(command.current_dir(&image).stderr(Stdio::null()));
        assert!(comes_true(|| !marks(&waiting.0).is_empty()), "{waits} says nothing of itself");
        let mut command = Command::new(collects);
        let command = command.args(words(collects)).args(["gc", "-n", "--cache-dir"]);
        let output = command.arg(cache.dir()).output().unwrap();
        assert!(text(&output).contains("Would remove dead"), "{}", text(&output));
    }
}

/// The message about processes that are not visible from a container.
const NOT_SEEN: &str = "processes outside this container are not visible";

#[test]
fn a_run_in_a_pid_namespace_reports_hidden_processes_if_that_matters() {
    let cache = TestCache::new();
    let _user = Running::start(Command::new("sleep").arg("60").current_dir(cache.image("used")));
    let run = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-pfm", "--mount-proc", env!("CARGO_BIN_EXE_bbox"), "cache"]);
        command.args(arguments).arg("--cache-dir").arg(cache.dir());
        command.output().ok().filter(|output| output.status.success())
    };
    let Some(output) = run(&["gc", "-n"]) else {
        return eprintln!("skipped: no pid namespace can be made");
    };
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches(NOT_SEEN).count(), 1, "{err}");
    let out = text(&gc(&cache, &["-n"]));
    assert!(out.contains("Kept") || out.contains("in-use: sleep"), "{out}");
    assert!(!out.contains(NOT_SEEN), "{out}");
    cache.tag("example.com/used:1", "used");
    let idle = run(&["gc", "-n"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&idle.stderr), "", "nothing would be removed");
}

/// A user that this machine does not know.
const NOBODY: u32 = 54_321;

/// Runs `gc -n` as an ordinary user, after `first`.
fn as_nobody(directory: &Path, first: &str, option: &str) -> Option<Output> {
    let run = format!(
        "{first}; exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \
         \"$1\" cache gc -n {option} --cache-dir \"$2\""
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-e", "-c", &run, "sh", env!("CARGO_BIN_EXE_bbox")]).arg(directory);
    let output = command.output().ok().filter(|output| output.status.success());
    if output.is_none() {
        eprintln!("skipped: this needs root, and a program that an ordinary user may read");
    }
    output
}

#[test]
fn uninspected_processes_of_other_users_are_counted_and_listed_on_request() {
    let cache = TestCache::new();
    let image = cache.image("used");
    let owned = succeeds(Command::new("chown").arg("-R").arg(format!("{NOBODY}")).arg(cache.dir()));
    let open = succeeds(Command::new("chmod").arg("755").arg(cache.home()));
    if !owned || !open {
        return eprintln!("skipped: this needs root");
    }
    let user = Running::start(Command::new("sleep").arg("60").current_dir(image));
    let Some(output) = as_nobody(&cache.dir(), "true", "-v") else { return };
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("could not be inspected") && err.contains("as root"), "{err}");
    assert!(err.contains(&format!("sleep (pid {})", user.0.id())), "{err}");
    let hide = "mount -t proc -o hidepid=2 bbox-test /proc";
    let Some(output) = as_nobody(&cache.dir(), hide, "") else { return };
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("/proc hides processes of other users"), "{err}");
}
