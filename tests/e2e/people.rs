//! Whoever uses the program: an ordinary user, and somebody at a terminal.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Run, TestCache};

/// Somebody without any privilege.
const NOBODY: u32 = 65_534;

/// An ordinary user who owns a cache. Tests that run as root give everything in it to somebody
/// else and run the program as that one, since nothing is forbidden to root.
pub struct User<'a> {
    cache: &'a TestCache,
    program: PathBuf,
    open_files: Option<u32>,
}

impl<'a> User<'a> {
    /// The owner of all that is in the cache now.
    pub fn new(cache: &'a TestCache) -> Self {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_bbox"));
        let mut user = Self { cache, program: built, open_files: None };
        if user.is_separate() {
            // The place where the program was built may be closed to others.
            let program = cache.home().join("bbox");
            fs::copy(&user.program, &program).unwrap();
            user.program = program;
            give(cache.home());
            fs::set_permissions(cache.home(), fs::Permissions::from_mode(0o755)).unwrap();
        }
        user
    }

    /// The same where no more than this many files may be open.
    pub fn with_open_files(cache: &'a TestCache, limit: u32) -> Self {
        Self { open_files: Some(limit), ..Self::new(cache) }
    }

    pub fn is_separate(&self) -> bool {
        rustix::process::getuid().is_root()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = match self.open_files {
            None => Command::new(&self.program),
            Some(limit) => limited(&self.program, limit),
        };
        command.args(["cache", "--cache-dir"]).arg(self.cache.dir()).args(arguments);
        if self.is_separate() {
            command.uid(NOBODY).gid(NOBODY);
        }
        crate::support::finish(assert_cmd::Command::from_std(command))
    }
}

/// A program with at most this many open files; its arguments can be added.
pub fn limited(program: impl AsRef<OsStr>, limit: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(program);
    shell
}

fn give(path: &Path) {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

/// Runs the program at a terminal of 80 columns, where `answer` has been typed. Returns the exit
/// code and everything that was seen.
pub fn at_terminal(cache: &TestCache, arguments: &[&str], answer: &str) -> (i32, String) {
    let mut terminal = Terminal::new(cache, arguments);
    terminal.type_in(answer);
    terminal.finish()
}

/// The program at a terminal of 80 columns.
struct Terminal {
    master: File,
    program: Child,
}

impl Terminal {
    fn new(cache: &TestCache, arguments: &[&str]) -> Self {
        let (master, terminal) = open_terminal();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
        command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
        command.stdin(stream()).stdout(stream()).stderr(stream());
        Self { master, program: command.spawn().unwrap() }
    }

    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the program asks something.
    fn wait_for_question(&mut self) {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(b"[y/N] ") {
            self.master.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }

    fn finish(mut self) -> (i32, String) {
        let mut seen = Vec::new();
        // Where nobody holds the terminal any more, Linux answers with an error; what was seen is
        // kept.
        let _ = self.master.read_to_end(&mut seen);
        (self.program.wait().unwrap().code().unwrap(), String::from_utf8(seen).unwrap())
    }
}

/// Both ends of a terminal of 80 columns.
pub fn open_terminal() -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (master.into(), terminal.into())
}

#[test]
fn purge_asks_and_takes_anything_but_yes_for_no() {
    for (answer, purged) in
        [("y\n", true), ("yes\n", true), ("\n", false), ("n\n", false), ("nonsense\n", false)]
    {
        let cache = TestCache::new();
        cache.live("a");
        let (code, seen) = at_terminal(&cache, &["purge"], answer);
        assert!(seen.contains("with 1 image and 1 ref, "), "{seen}");
        assert!(seen.contains("[y/N]"), "{seen}");
        assert_eq!((code, cache.dir().exists()), (0, !purged), "{answer:?}: {seen}");
    }
}

#[test]
fn a_question_keeps_no_other_collector_waiting_and_what_has_changed_goes_too() {
    let cache = TestCache::new();
    cache.live("a");
    cache.image("b");
    let mut purge = Terminal::new(&cache, &["purge"]);
    purge.wait_for_question();
    crate::support::run(&cache, &["gc", "--no-wait"]).ok();
    cache.image("c");
    purge.type_in("y\n");
    let (code, seen) = purge.finish();
    assert!(code == 0 && !cache.dir().exists(), "{seen}");
}

#[test]
fn a_yes_does_not_hold_for_what_the_question_has_not_named() {
    let cache = TestCache::new();
    let image = cache.live("a");
    fs::create_dir(cache.path("stranger")).unwrap();
    let mut purge = Terminal::new(&cache, &["purge"]);
    purge.wait_for_question();
    fs::create_dir(cache.path("thesis")).unwrap();
    purge.type_in("y\n");
    let (code, seen) = purge.finish();
    assert!(code == 2 && seen.contains("has changed since the question"), "{code} {seen}");
    assert!(image.exists() && cache.path("thesis").exists());
}

#[test]
fn a_line_never_exceeds_the_terminal() {
    let cache = TestCache::new();
    cache.tag(&format!("example.com/{}:latest", "long/".repeat(30)), "0123456789abcdef");
    cache.image("0123456789abcdef");
    for arguments in [&["list"][..], &["list", "--sizes"], &["list", "--no-sizes"]] {
        let (_, seen) = at_terminal(&cache, arguments, "");
        let plain = anstream::adapter::strip_str(&seen).to_string();
        assert!(plain.contains('…'), "{plain}");
        for line in plain.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_can_be_chosen() {
    let cache = TestCache::new();
    cache.image("orphan");
    assert!(at_terminal(&cache, &["list"], "").1.contains("\x1b["));
    assert!(!at_terminal(&cache, &["list", "--color", "never"], "").1.contains("\x1b["));
    assert!(!crate::support::run(&cache, &["list"]).ok().contains('\x1b'));
    assert!(crate::support::run(&cache, &["list", "--color", "always"]).ok().contains('\x1b'));
}
