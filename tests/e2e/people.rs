//! The users of the program: an unprivileged user, and a user at a terminal.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use unicode_width::UnicodeWidthStr;

use crate::support::{Run, TestCache};

/// The ID of an unprivileged user.
const NOBODY: u32 = 65_534;

/// An unprivileged user who owns a cache. Since root may do anything, tests that run as root give
/// the whole cache to another user and run the program as that user.
pub struct User<'a> {
    cache: &'a TestCache,
    program: PathBuf,
    open_files: Option<u32>,
}

impl<'a> User<'a> {
    /// Makes this user the owner of everything in the cache.
    pub fn new(cache: &'a TestCache) -> Self {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_bbox"));
        let mut user = Self { cache, program: built, open_files: None };
        if user.is_separate() {
            // The directory with the built program may be closed to others.
            let program = cache.home().join("bbox");
            fs::copy(&user.program, &program).unwrap();
            user.program = program;
            give(cache.home());
            fs::set_permissions(cache.home(), fs::Permissions::from_mode(0o755)).unwrap();
        }
        user
    }

    /// A user with at most this many open files.
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

/// A program with at most this many open files. Arguments can be added.
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

/// Runs the program on a terminal with 80 columns, and types `answer`. Returns the exit code and
/// everything seen.
pub fn at_terminal(cache: &TestCache, arguments: &[&str], answer: &str) -> (i32, String) {
    let mut terminal = Terminal::new(cache, arguments, 80);
    terminal.type_in(answer);
    terminal.finish()
}

/// What is seen on a terminal with this many columns, without colours and bars.
fn seen_at(cache: &TestCache, arguments: &[&str], columns: u16) -> String {
    let arguments = [arguments, &["--no-progress"]].concat();
    let (_, seen) = Terminal::new(cache, &arguments, columns).finish();
    anstream::adapter::strip_str(&seen).to_string()
}

/// What is seen on a terminal in some locale after typing `answer`, without colours and bars.
pub fn screen(
    cache: &TestCache,
    arguments: &[&str],
    answer: &str,
    columns: u16,
    locale: &str,
) -> String {
    let arguments = [arguments, &["--no-progress"]].concat();
    let mut terminal = Terminal::in_locale(cache, &arguments, columns, locale);
    terminal.type_in(answer);
    anstream::adapter::strip_str(&terminal.finish().1).to_string()
}

/// The program on a terminal.
pub struct Terminal {
    pub master: File,
    pub program: Child,
}

impl Terminal {
    pub fn new(cache: &TestCache, arguments: &[&str], columns: u16) -> Self {
        Self::in_locale(cache, arguments, columns, "C.UTF-8")
    }

    fn in_locale(cache: &TestCache, arguments: &[&str], columns: u16, locale: &str) -> Self {
        let (master, terminal) = open_terminal(columns);
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
        command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
        command.env_remove("NO_COLOR").env_remove("CI").env("TERM", "xterm-256color");
        command.env("LC_ALL", locale);
        command.stdin(stream()).stdout(stream()).stderr(stream());
        Self { master, program: command.spawn().unwrap() }
    }

    pub fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the program asks a question.
    fn wait_for_question(&mut self) {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(b"[y/N] ") {
            self.master.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }

    pub fn finish(mut self) -> (i32, String) {
        let mut seen = Vec::new();
        // Once the other end is closed, Linux returns an error; everything seen so far is kept.
        let _ = self.master.read_to_end(&mut seen);
        (self.program.wait().unwrap().code().unwrap(), String::from_utf8(seen).unwrap())
    }
}

/// Both ends of a terminal with this many columns.
pub fn open_terminal(columns: u16) -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
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
        assert!(seen.contains("with 1 image and 1 reference, "), "{seen}");
        assert!(seen.contains("[y/N]"), "{seen}");
        assert_eq!((code, cache.dir().exists()), (0, !purged), "{answer:?}: {seen}");
    }
}

#[test]
fn a_question_blocks_no_other_gc_and_changed_images_are_removed_too() {
    let cache = TestCache::new();
    cache.live("a");
    cache.image("b");
    let mut purge = Terminal::new(&cache, &["purge"], 80);
    purge.wait_for_question();
    crate::support::run(&cache, &["gc", "--no-wait"]).ok();
    cache.image("c");
    purge.type_in("y\n");
    let (code, seen) = purge.finish();
    assert!(code == 0 && !cache.dir().exists(), "{seen}");
}

#[test]
fn a_yes_only_covers_images_in_the_question() {
    let cache = TestCache::new();
    let image = cache.live("a");
    fs::create_dir(cache.path("other")).unwrap();
    let mut purge = Terminal::new(&cache, &["purge"], 80);
    purge.wait_for_question();
    fs::create_dir(cache.path("thesis")).unwrap();
    purge.type_in("y\n");
    let (code, seen) = purge.finish();
    assert!(code == 2 && seen.contains("has changed since the question"), "{code} {seen}");
    assert!(image.exists() && cache.path("thesis").exists());
}

/// A cache with something in every section, much of it wide, long, or with several characters per
/// column.
fn wide_cache() -> TestCache {
    let cache = TestCache::new();
    for (name, reference) in [
        ("0123456789abcdef", format!("example.com/{}:latest", "long/".repeat(30))),
        ("漢字漢字漢字漢字漢字", format!("example.com/{}:最新", "漢字".repeat(60))),
        ("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", "e\u{301}".repeat(150)),
        ("❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", "❤\u{fe0f}".repeat(150)),
        ("👩🏽👩🏽👩🏽", format!("example.com/{}", "👩🏽/👩\u{200d}🚀🇩🇪".repeat(40))),
    ] {
        cache.tag(&reference, name);
        cache.image(name);
    }
    cache.image("fedcba9876543210");
    cache.layer("漢字漢字漢字漢字");
    for name in ["tmp-rootfs-12345678901234567890", "tmp-gc-dead-sha256-漢字漢字漢字漢字"] {
        fs::create_dir(cache.path(name)).unwrap();
    }
    fs::write(cache.path("another entry with a name of many, many characters"), "").unwrap();
    cache
}

/// The lines of the table, up to the totals.
fn table(seen: &str) -> Vec<&str> {
    seen.lines().take_while(|line| !line.contains(" images (")).collect()
}

#[test]
fn a_line_of_show_never_exceeds_the_terminal() {
    let cache = wide_cache();
    for columns in [40, 60, 80, 100, 120, 200] {
        for arguments in [&["show", "0123456789abcdef"][..], &["show", "fedc", "--files"]] {
            let seen = seen_at(&cache, arguments, columns);
            assert!(seen.contains("NAME") || seen.contains("FILE"), "{seen}");
            for line in seen.lines() {
                assert!(line.width() <= columns.into(), "{columns} {arguments:?} {line:?}");
            }
        }
    }
}

#[test]
fn a_line_of_a_table_never_exceeds_the_terminal() {
    let cache = wide_cache();
    for columns in [40, 60, 80, 100, 120, 200] {
        for arguments in [&["list"][..], &["list", "--sizes"], &["list", "--no-sizes"]] {
            let seen = seen_at(&cache, arguments, columns);
            let lines = table(&seen);
            assert!(lines.len() > 6 && seen.contains('…'), "{seen}");
            for line in lines {
                assert!(line.width() <= columns.into(), "{columns} {arguments:?} {line:?}");
            }
        }
    }
}

#[test]
fn cells_of_a_column_are_aligned() {
    let seen = seen_at(&wide_cache(), &["list", "--sizes"], 200);
    let column = |line: &str, word: &str| line.find(word).map(|start| line[..start].width());
    let heads = table(&seen).into_iter().filter_map(|line| column(line, "ON DISK"));
    assert_eq!(heads.collect::<HashSet<_>>().len(), 1, "{seen}");
    let times = table(&seen).into_iter().filter_map(|line| column(line, " 30 min ago"));
    assert_eq!(times.collect::<HashSet<_>>().len(), 1, "{seen}");
}

#[test]
fn a_bar_shows_how_big_something_is_beside_the_biggest() {
    let cache = TestCache::new();
    cache.live("big");
    cache.image_with("half", |path| fs::write(path.join("a"), [1]).unwrap());
    fs::write(cache.path("sha256-big/a"), vec![1; 1 << 20]).unwrap();
    let seen = seen_at(&cache, &["list", "--sizes"], 200);
    let bars = seen.lines().map(|line| line.matches(['█', '▏']).collect::<String>());
    let bars: Vec<_> = bars.filter(|bar| !bar.is_empty()).collect();
    assert_eq!(bars[..2], ["████████", "▏"], "{seen}");
    assert!(!crate::support::run(&cache, &["list", "--sizes"]).ok().contains('█'));
}

#[test]
fn a_line_about_a_removal_does_not_exceed_the_terminal_either() {
    let cache = wide_cache();
    for columns in [60, 80, 120] {
        for arguments in [&["gc", "-n", "-v"][..], &["purge", "-n"]] {
            let seen = seen_at(&cache, arguments, columns);
            assert!(seen.lines().filter(|line| line.starts_with("Would ")).count() > 6, "{seen}");
            // Commands are never wrapped.
            for line in seen.lines().filter(|line| !line.contains('`')) {
                assert!(line.width() <= columns.into(), "{columns} {arguments:?} {line:?}");
            }
        }
    }
}

#[test]
fn the_totals_have_more_lines_where_one_is_too_short() {
    let cache = wide_cache();
    for columns in [40, 60, 80] {
        let seen = seen_at(&cache, &["list"], columns);
        let totals = seen.lines().skip_while(|line| !line.contains(" images ("));
        let totals: Vec<_> = totals.take_while(|line| !line.contains(" reclaimable")).collect();
        assert!(totals.last().unwrap().ends_with(" free"), "{seen}");
        assert!(totals.iter().all(|line| line.width() <= columns.into()), "{seen}");
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
