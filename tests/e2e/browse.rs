//! The browser: a single frame without a terminal, and all of it with one.

use std::fs;
use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::people::Terminal;
use crate::support::{TestCache, bbox, finish, run};

/// A frame with this many columns after some keys.
fn frame(cache: &TestCache, columns: u16, keys: &str) -> String {
    let mut command = bbox(cache, &["browse", "--once", keys]);
    command.env("COLUMNS", columns.to_string()).env("LINES", "20").env("LC_ALL", "C.UTF-8");
    finish(command).ok()
}

fn cache() -> TestCache {
    let cache = TestCache::new();
    cache.live_with("big", |top| {
        fs::create_dir_all(top.join("usr/lib/\u{1b}[31mred")).unwrap();
        fs::write(top.join("usr/lib/library"), vec![1; 3 << 20]).unwrap();
        fs::write(top.join("usr/tool"), vec![1; 1 << 20]).unwrap();
        std::os::unix::fs::symlink(cache.outside(), top.join("usr/way-out")).unwrap();
    });
    cache.unused_for("big", Duration::from_secs(3600));
    cache.image("old");
    cache.layer("base");
    cache
}

#[test]
fn a_plan_is_shown_without_the_styles_of_a_report() {
    let cache = cache();
    let seen = frame(&cache, 80, "gd");
    assert!(seen.contains("Would ") && !seen.contains("[3") && !seen.contains("[0m"), "{seen}");
}

#[test]
fn a_frame_shows_the_images_and_their_contents() {
    let cache = cache();
    let seen = frame(&cache, 80, "");
    for expected in ["example.com/big:latest", "orphan", "IMAGE", "LAYER", "2 images"] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
    let seen = frame(&cache, 80, "g<Enter>g<Enter>");
    assert!(seen.starts_with("big /usr"), "{seen}");
    assert!(seen.lines().next().unwrap().ends_with("4.0 MiB"), "that of the directory: {seen}");
    for expected in ["lib/", "tool", "way-out", "75%"] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
    let seen = frame(&cache, 80, "g<Enter>g<Enter>g<Enter>");
    assert!(seen.contains("[31mred/") && !seen.contains('\u{1b}'), "{seen}");
    let seen = frame(&cache, 80, "g<Enter>g<Enter><Esc><Esc><Esc>Gi");
    assert!(seen.contains("on disk") && seen.contains("layers/sha256-base"), "{seen}");
}

#[test]
fn one_frame_never_removes_anything() {
    let cache = cache();
    let seen = frame(&cache, 80, "g  d");
    assert!(seen.contains("Remove 2 images and 1 reference, freeing"), "{seen}");
    assert!(seen.contains("1 image is referenced"), "{seen}");
    frame(&cache, 80, "g  dy");
    assert!(cache.path("sha256-big").exists() && cache.path("sha256-old").exists());
}

#[test]
fn missing_images_and_impossible_actions_are_reported() {
    let cache = TestCache::new();
    assert!(frame(&cache, 80, "").contains("No images here yet."));
    let piped = run(&cache, &["browse"]);
    assert_eq!(piped.code, 2);
    assert!(
        piped.err.contains("browse needs a terminal; use `bbox cache --cache-dir"),
        "{}",
        piped.err
    );
    let mut dumb = bbox(&cache, &["browse"]);
    dumb.env("TERM", "dumb");
    let dumb = finish(dumb);
    assert!(dumb.code == 2 && dumb.err.contains("(TERM=dumb); use `bbox cache"), "{}", dumb.err);
    assert_eq!(run(&cache, &["browse", "--once", "<Entre>"]).code, 2);
    assert!(run(&cache, &["browse", "--format", "json"]).err.contains("list --format json"));
}

/// How long a screen may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);
/// Redraws everything.
const CTRL_L: &str = "\u{c}";

/// The browser on a terminal with 80 columns.
struct Screen {
    terminal: Terminal,
    output: Receiver<Vec<u8>>,
    /// Everything written to the terminal.
    seen: String,
}

impl Screen {
    fn new(cache: &TestCache, arguments: &[&str]) -> Self {
        let terminal = Terminal::new(cache, &[&["browse"], arguments].concat(), 80);
        let (mut master, (sender, output)) = (terminal.master.try_clone().unwrap(), channel());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                sender.send(bytes[..count].to_vec()).unwrap_or_default();
            }
        });
        Self { terminal, output, seen: String::new() }
    }

    /// Waits until a text is written, ignoring spaces, which may not be drawn. Usually only changes
    /// are written, so this redraws everything.
    fn wait_for(&mut self, text: &str) {
        self.wait_with(text, CTRL_L);
    }

    fn wait_with(&mut self, text: &str, key: &str) {
        let packed = |text: &str| text.split_whitespace().collect::<String>();
        let (begun, mut fresh) = (Instant::now(), String::new());
        while !packed(&anstream::adapter::strip_str(&fresh).to_string()).contains(&packed(text)) {
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in {:?}", self.seen);
            self.type_in(key);
            fresh.clear();
            let end = Instant::now() + Duration::from_millis(300);
            while let Ok(bytes) =
                self.output.recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                fresh += &String::from_utf8_lossy(&bytes);
            }
            self.seen += &fresh;
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.terminal.type_in(keys);
    }

    /// Changes the size of the terminal. The kernel tells only programs that the terminal controls.
    fn resize(&mut self, columns: u16, lines: u16) {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.terminal.master, size).unwrap();
        kill_process(self.pid(), Signal::WINCH).unwrap();
    }

    /// What is on the screen once everything was redrawn. Panics if it is larger than the screen.
    fn drawn(&mut self, columns: usize, lines: usize) -> Vec<String> {
        self.type_in(CTRL_L);
        let mut fresh = String::new();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(500)) {
            fresh += &String::from_utf8_lossy(&bytes);
        }
        let (_, frame) = fresh.rsplit_once("\u{1b}[2J").unwrap();
        let mut cells = vec![vec![' '; columns]; lines];
        let (mut line, mut column) = (0, 0);
        for part in frame.split("\u{1b}[").skip(1) {
            let (numbers, text) = part.split_at(part.find(char::is_alphabetic).unwrap());
            if text.starts_with('H') {
                let place: Vec<usize> = numbers.split(';').map(|n| n.parse().unwrap()).collect();
                (line, column) = (place[0] - 1, place[1] - 1);
            }
            for character in text.chars().skip(1) {
                cells[line][column] = character;
                column += 1;
            }
        }
        cells.into_iter().map(String::from_iter).collect()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.terminal.program)
    }

    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.terminal.master).unwrap().local_modes;
        !modes.contains(LocalModes::ICANON)
    }

    /// The exit code, and everything seen.
    fn finish(mut self) -> (Option<i32>, String) {
        let code = self.terminal.program.wait().unwrap().code();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(150)) {
            self.seen += &String::from_utf8_lossy(&bytes);
        }
        (code, std::mem::take(&mut self.seen))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A failed test leaves nothing behind; in a successful one, the program has ended already.
        let _ = self.terminal.program.kill();
    }
}

#[test]
fn an_image_is_removed_once_the_question_was_answered_with_yes() {
    let cache = cache();
    let mut screen = Screen::new(&cache, &[]);
    screen.wait_for("2 images");
    screen.type_in("/old\rd");
    screen.wait_for("[y/N]");
    screen.type_in("\r");
    screen.wait_for("Cancelled");
    assert!(cache.path("sha256-old").exists());
    screen.type_in("d");
    screen.wait_for("[y/N]");
    screen.type_in("y");
    screen.wait_for("freed");
    screen.type_in("q");
    assert_eq!(screen.finish().0, Some(0));
    assert!(!cache.path("sha256-old").exists() && cache.path("sha256-big").exists());
}

#[test]
fn a_plan_that_has_changed_since_the_question_is_asked_again() {
    let cache = cache();
    let mut screen = Screen::new(&cache, &[]);
    screen.wait_for("2 images");
    screen.type_in("/old\rd");
    screen.wait_for("[y/N]");
    cache.tag("example.com/old:latest", "old");
    screen.type_in("y");
    screen.wait_for("has changed");
    assert!(cache.path("sha256-old").exists());
    screen.type_in("nq");
    assert_eq!(screen.finish().0, Some(0));
    assert!(cache.path("sha256-old").exists());
}

#[test]
fn nothing_is_removed_read_only() {
    let cache = cache();
    let mut screen = Screen::new(&cache, &["--read-only"]);
    screen.wait_for("2 images");
    screen.type_in("gd y");
    screen.wait_for("read-only");
    screen.type_in("q");
    assert_eq!(screen.finish().0, Some(0));
    assert!(cache.path("sha256-old").exists() && cache.path("sha256-big").exists());
}

#[test]
fn the_terminal_is_as_it_was_after_a_signal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let cache = cache();
        let mut screen = Screen::new(&cache, &[]);
        screen.wait_for("2 images");
        assert!(screen.is_raw());
        kill_process(screen.pid(), signal).unwrap();
        screen.terminal.program.wait().unwrap();
        assert!(!screen.is_raw(), "{signal:?}");
        let (code, seen) = screen.finish();
        assert_eq!(code, Some(128 + signal.as_raw()), "{signal:?}");
        assert!(seen.contains("\u{1b}[?1049l") && seen.contains("\u{1b}[?25h"), "{seen:?}");
    }
}

#[test]
fn suspending_gives_the_terminal_back_and_continuing_takes_it_again() {
    let cache = cache();
    let mut screen = Screen::new(&cache, &[]);
    screen.wait_for("2 images");
    screen.type_in("\u{1a}");
    let (pid, begun) = (screen.pid(), Instant::now());
    let stat = format!("/proc/{}/stat", screen.terminal.program.id());
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") T ")) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!screen.is_raw());
    kill_process(pid, Signal::CONT).unwrap();
    screen.wait_for("2 images");
    assert!(screen.is_raw());
    screen.type_in("q");
    assert_eq!(screen.finish().0, Some(0));
}

#[test]
fn a_frame_fits_the_terminal_after_each_change_of_its_size() {
    let cache = cache();
    let mut screen = Screen::new(&cache, &[]);
    screen.wait_for("2 images");
    for (columns, lines, expected, missing) in [
        (120, 30, "UNIQUE", "too small"),
        (40, 8, "(orphan) old", "LAST USED"),
        (39, 8, "too small: 40x8 needed", "IMAGE"),
        (80, 7, "too small: 40x8 needed", "IMAGE"),
        (80, 24, "LAST USED", "UNIQUE"),
    ] {
        screen.resize(columns, lines);
        screen.wait_for(expected);
        let seen = screen.drawn(columns.into(), lines.into());
        assert!(seen.iter().any(|line| line.contains(expected)), "{columns}: {seen:#?}");
        assert!(!seen.iter().any(|line| line.contains(missing)), "{columns}: {seen:#?}");
        let keys = seen.last().unwrap();
        assert!(keys.contains("q quit") || expected.starts_with("too"), "{columns}: {seen:#?}");
    }
    screen.type_in("q");
    assert_eq!(screen.finish().0, Some(0));
}

#[test]
fn a_directory_of_very_many_files_can_be_entered_sorted_and_filtered() {
    const FILES: usize = 50_000;
    let cache = TestCache::new();
    cache.live_with("big", |top| {
        let many = top.join("many");
        fs::create_dir(&many).unwrap();
        for number in 0..FILES {
            fs::File::create(many.join(format!("File{number:05}"))).unwrap();
        }
        fs::write(many.join("largest"), vec![1; 1 << 20]).unwrap();
    });
    let mut screen = Screen::new(&cache, &[]);
    screen.wait_for("1 image");
    screen.type_in("g\r");
    screen.wait_for("many/");
    screen.type_in("\r");
    screen.wait_for("largest");
    screen.type_in("nG");
    screen.wait_for("largest");
    screen.type_in("k");
    screen.wait_for("File49999");
    screen.type_in("/file2500\r");
    screen.wait_for("File25009");
    let seen = screen.drawn(80, 24);
    assert_eq!(seen.iter().filter(|line| line.contains("File")).count(), 10, "{seen:#?}");
    screen.type_in("h");
    screen.wait_for("File24999");
    screen.type_in("q");
    assert_eq!(screen.finish().0, Some(0));
}
