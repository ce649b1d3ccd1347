//! The loop in a pseudo terminal: this test binary again, with a worker that panics.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anstream::ColorChoice;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::*;
use crate::cli::args::Verb;
use crate::cli::process::Signals;
use crate::cli::program::{Program, Task};
use crate::cli::ui::console::Console;
use crate::test_cache::TestCache;

/// Tells the test binary to be the browser: the cache.
const CACHE: &str = "BBOX_TEST_BROWSE";
/// Made in the cache once the worker may panic.
const SIGN: &str = "now";
const TEST: &str = "a_panic_of_a_worker_ends_the_loop_and_gives_the_terminal_back";
const LAST_WORDS: &str = "a worker fell over";

/// Browses a cache with a worker that panics as soon as it is told to.
fn browse_until_a_panic(cache: &Path) {
    let line = ["bbox", "cache", "--cache-dir", cache.to_str().unwrap(), "browse"];
    let order = Program::Bbox.parse(&line.map(Into::into)).unwrap();
    let Task::Verb(Verb::Browse(args)) = order.task else { panic!() };
    let (console, signals) = (Console::plain(ColorChoice::Never), Signals::default());
    let context = Context::new(Program::Bbox, order.shared, &console, &signals).unwrap();
    let sign: PathBuf = cache.join(SIGN);
    let ending = with_browser(&context, |browser| {
        let fall_over = move || {
            while !sign.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            panic!("{LAST_WORDS}");
        };
        browser.spawn(fall_over).unwrap();
        browser.run(&args)
    });
    // Not reached.
    assert!(ending.is_err());
}

#[test]
fn a_panic_of_a_worker_ends_the_loop_and_gives_the_terminal_back() {
    if let Some(cache) = std::env::var_os(CACHE) {
        return browse_until_a_panic(cache.as_ref());
    }
    let cache = TestCache::in_memory();
    cache.image("a");
    let mut master = File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let stream = || Stdio::from(terminal.try_clone().unwrap());
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{module}::{TEST}"), "--nocapture"]).env(CACHE, cache.dir());
    command.stdin(stream()).stdout(stream()).stderr(stream());
    let mut program = command.spawn().unwrap();
    let is_raw = || !tcgetattr(&master).unwrap().local_modes.contains(LocalModes::ICANON);

    let (mut seen, mut bytes) = (String::new(), [0; 4096]);
    while !seen.contains("q quit") {
        let count = (&master).read(&mut bytes).unwrap();
        seen += &String::from_utf8_lossy(&bytes[..count]);
    }
    assert!(is_raw() && seen.contains("\u{1b}[?1049h"), "{seen:?}");
    std::fs::write(cache.dir().join(SIGN), "").unwrap();
    let status = program.wait().unwrap();
    assert!(!is_raw());
    drop((command, terminal));
    let mut after = Vec::new();
    // Linux calls it an error that the other end is closed; what was read stays.
    let _ = master.read_to_end(&mut after);
    let after = String::from_utf8_lossy(&after);
    let (screen, message) = after.split_once("\u{1b}[?1049l").unwrap();
    assert!(!screen.contains(LAST_WORDS) && !message.contains("\u{1b}[?1049h"), "{after:?}");
    assert!(message.starts_with("\u{1b}[?25h") && message.contains(LAST_WORDS), "{after:?}");
    // That of a test with a panic, as it is that of a program with one.
    assert_eq!(status.code(), Some(101));
}
