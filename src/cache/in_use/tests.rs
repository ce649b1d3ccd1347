//! Real processes that use a real cache.

#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod aliases;
mod namespaces;
mod no_proc;
mod own_runs;
mod runner;
mod threads;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::StopFlag;
use crate::cache::{Cache, Location};
use crate::cache::{EntryName, Folder};
use crate::test_cache::TestCache;

/// A child that is killed at the end of the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// A child that ignores its arguments and waits until it is killed.
    fn with_argument(argument: impl AsRef<std::ffi::OsStr>) -> Self {
        let wait = ["-c", "read line", "go-microvm-runner"];
        Self::start(Command::new("sh").args(wait).arg(argument).stdin(Stdio::piped()))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("30");
    command
}

fn open(directory: impl Into<std::path::PathBuf>) -> Cache {
    Cache::open(directory).unwrap().unwrap()
}

fn location(folder: Folder, name: &str) -> Location {
    Location { folder, name: EntryName::new(name).unwrap() }
}

fn image(name: &str) -> Location {
    location(Folder::Root, name)
}

/// A child needs a moment after its start to become what it is meant to be.
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

fn is_user(cache: &Cache, entry: &Location, child: &Running) -> bool {
    cache.users().unwrap().unwrap().get(entry).iter().any(|user| user.pid == child.pid())
}

#[track_caller]
fn assert_user(cache: &Cache, entry: &Location, child: &Running) {
    assert!(comes_true(|| is_user(cache, entry, child)), "{:?}", cache.users());
}

#[test]
fn a_current_directory_is_a_use_of_its_entry_alone_until_the_process_ends() {
    let files = TestCache::new();
    files.image("a");
    let mut child = Running::start(sleep().current_dir(files.image("ab").join("usr")));
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-ab"), &child);
    let users = cache.users().unwrap().unwrap();
    let expected =
        UsingProcess { pid: child.pid(), program: "sleep".to_owned(), holds_lease: false };
    assert_eq!(users.get(&image("sha256-ab")), [expected]);
    assert_eq!(users.get(&image("sha256-a")), []);
    child.end();
    assert_eq!(cache.users().unwrap().unwrap().get(&image("sha256-ab")), []);
}

#[test]
fn an_open_file_is_a_use_even_if_it_has_been_removed() {
    let files = TestCache::new();
    let layer = files.layer("a");
    let input = File::open(layer.join("usr/a")).unwrap();
    let child = Running::start(sleep().stdin(input));
    let cache = open(files.dir());
    assert_user(&cache, &location(Folder::Layers, "sha256-a"), &child);
    fs::remove_dir_all(&layer).unwrap();
    assert!(is_user(&cache, &location(Folder::Layers, "sha256-a"), &child));
}

#[test]
fn a_removed_current_directory_is_a_use_of_the_entry_that_it_was() {
    let files = TestCache::new();
    let entry = files.image("a");
    let child = Running::start(sleep().current_dir(&entry));
    let cache = open(files.dir());
    fs::remove_dir_all(&entry).unwrap();
    assert_user(&cache, &image("sha256-a"), &child);
}

#[test]
fn a_program_inside_an_entry_uses_it() {
    let files = TestCache::new();
    let program = files.image("a").join("agent");
    // Copied by another process, because a file that a test has open for writing cannot be
    // executed.
    if !Command::new("cp").arg("/bin/sleep").arg(&program).status().is_ok_and(|s| s.success()) {
        eprintln!("skipped: /bin/sleep cannot be copied");
        return;
    }
    let child = Running::start(Command::new(&program).arg0("sleep").arg("30"));
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &child);
    fs::remove_file(&program).unwrap();
    let users = cache.users().unwrap().unwrap();
    let expected = format!("agent (pid {})", child.pid());
    assert!(users.get(&image("sha256-a")).iter().any(|user| user.to_string() == expected));
}

#[test]
fn a_mapped_library_is_a_use_even_below_a_name_of_two_lines() {
    let Some(library) = some_library() else {
        eprintln!("skipped: there is no shared library to map");
        return;
    };
    let files = TestCache::new();
    let copy = files.image("two\nlines").join("library.so");
    fs::copy(library, &copy).unwrap();
    let child = Running::start(sleep().env("LD_PRELOAD", &copy));
    assert_user(&open(files.dir()), &image("sha256-two\nlines"), &child);
}

fn some_library() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.contains("/libgcc_s.so"))?;
    Some(line[line.find('/')?..].to_owned())
}

#[test]
fn this_process_is_not_a_user() {
    let files = TestCache::new();
    let entry = files.image("a");
    let _held = File::open(&entry).unwrap();
    let own = std::process::id();
    let users = open(files.dir()).users().unwrap().unwrap();
    assert!(users.get(&image("sha256-a")).iter().all(|user| user.pid != own));
}

#[test]
fn users_are_listed_once_each_by_pid() {
    let user =
        |pid, program: &str| UsingProcess { pid, program: program.to_owned(), holds_lease: false };
    let [one, two] = [user(1, "sh"), user(2, "a\x1b[31m")];
    let list = [&two, &one, &two].map(|user| (image("sha256-a"), user.clone()));
    let users = InUse::from_list(list);
    assert_eq!(users.get(&image("sha256-a")), [one, two.clone()]);
    assert_eq!(users.get(&location(Folder::Layers, "sha256-a")), []);
    assert_eq!(two.to_string(), "a\\u{1b}[31m (pid 2)");
}

/// `flock` itself takes the lock, then becomes `sleep`.
fn flock(mode: &str, directory: &Path) -> Option<Running> {
    let mut command = Command::new("flock");
    let command = command.args(["--no-fork", mode]).arg(directory).args(["sleep", "30"]);
    let child = command.spawn().ok().map(Running);
    if child.is_none() {
        eprintln!("skipped: there is no program flock");
    }
    child
}

fn holder_of(cache: &Cache) -> Option<UsingProcess> {
    super::lock_holder(cache.root().status().unwrap().inode)
}

#[test]
fn the_holder_of_a_lock_is_named_unless_it_is_this_process() {
    let files = TestCache::new();
    let cache = open(files.dir());
    let locked = cache.lock(&StopFlag::new(), |_| crate::cache::Patience::Wait).unwrap();
    assert_eq!(holder_of(&locked), None);
    drop(locked);
    let cache = open(files.dir());
    let Some(child) = flock("--exclusive", &files.dir()) else { return };
    let holder = || holder_of(&cache).filter(|holder| holder.program == "sleep");
    assert!(comes_true(|| holder().is_some()), "{:?}", holder_of(&cache));
    assert_eq!(holder().map(|user| user.pid), Some(child.pid()));
}

#[test]
fn a_process_that_waits_for_a_lock_is_not_its_holder() {
    let files = TestCache::new();
    let Some(sharing) = flock("--shared", &files.dir()) else { return };
    let locks = |pid: u32, arrow| {
        let pid = format!(" {pid} ");
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains(&pid) && line.contains("->") == arrow)
    };
    assert!(comes_true(|| locks(sharing.pid(), false)));
    let Some(waiting) = flock("--exclusive", &files.dir()) else { return };
    assert!(comes_true(|| locks(waiting.pid(), true)));
    assert_eq!(holder_of(&open(files.dir())), None);
}
