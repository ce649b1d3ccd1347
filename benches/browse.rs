//! Measures through a pseudo terminal how soon `browse` shows its first frame and answers keys
//! while it measures, and how that compares to `list --sizes`: `BBOX_BENCH_CACHE=DIR cargo bench
//! --bench browse`.
#![allow(clippy::print_stdout, reason = "a bench is there to be read")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;
#[allow(dead_code, reason = "the other benches use all of it")]
mod shapes;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const ROUNDS: usize = 7;
const KEYS: usize = 15;
/// A frame is complete after this time without output.
const QUIET: Duration = Duration::from_millis(3);

fn main() {
    match std::env::var_os("BBOX_BENCH_CACHE") {
        Some(directory) => print(directory.as_ref()),
        None => print(&shapes::build(10, cache::rootfs, 50_000).dir()),
    }
}

fn print(directory: &Path) {
    let (mut frames, mut answers, mut measured, mut listed) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let mut browser = Browser::start(directory);
        frames.push(browser.first_frame());
        measured.push(browser.measured());
        browser.finish();
        listed.push(list(directory));
        let mut browser = Browser::start(directory);
        browser.first_frame();
        answers.extend((0..KEYS).map(|_| browser.answer()));
        browser.finish();
    }
    for (what, values) in [("first frame", &mut frames), ("answer to a key", &mut answers)] {
        let most = values.iter().copied().fold(0.0, f64::max) * 1e3;
        let (median, count) = (median(values) * 1e3, values.len());
        println!("{what:16} median {median:.1} ms, at most {most:.1} ms, of {count}");
    }
    let (measured, listed) = (median(&mut measured), median(&mut listed));
    println!("everything measured after {measured:.3} s; list --sizes takes {listed:.3} s");
}

fn list(directory: &Path) -> f64 {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "list", "--sizes", "--cache-dir"]).arg(directory);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    begun.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

struct Browser {
    begun: Instant,
    program: Child,
    master: File,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Browser {
    fn start(directory: &Path) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
        command.args(["cache", "browse", "--read-only", "--cache-dir"]).arg(directory);
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let program = command.spawn().unwrap();
        let master = File::from(master);
        let (mut reader, (sender, output)) = (master.try_clone().unwrap(), channel());
        std::thread::spawn(move || {
            let mut bytes = [0; 1 << 16];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                sender.send(bytes[..count].to_vec()).unwrap_or_default();
            }
        });
        Self { begun, program, master, output, seen: String::new() }
    }

    fn read(&mut self, wait: Duration) -> bool {
        let read = self.output.recv_timeout(wait);
        read.is_ok_and(|bytes| {
            self.seen += &String::from_utf8_lossy(&bytes);
            true
        })
    }

    fn first_frame(&mut self) -> f64 {
        self.wait_for(0, "help");
        self.begun.elapsed().as_secs_f64()
    }

    /// The time from a key press to the help page.
    fn answer(&mut self) -> f64 {
        while self.read(QUIET) {}
        let (from, pressed) = (self.seen.len(), Instant::now());
        self.master.write_all(b"?").unwrap();
        self.wait_for(from, "again:");
        let took = pressed.elapsed().as_secs_f64();
        self.master.write_all(b"h").unwrap();
        took
    }

    /// The time from the start until everything is measured: then the status line shows the number
    /// of images, written over what was there.
    fn measured(&mut self) -> f64 {
        let from = self.seen.len();
        let is_number = |before: &str| {
            before
                .strip_suffix(' ')
                .is_some_and(|before| before.ends_with(|c: char| c.is_numeric()))
        };
        while !self.seen[from..]
            .match_indices("image")
            .any(|(at, _)| is_number(&self.seen[from..][..at]))
        {
            assert!(self.read(Duration::from_secs(60)), "{}", self.seen);
        }
        self.begun.elapsed().as_secs_f64()
    }

    fn wait_for(&mut self, from: usize, text: &str) {
        while !self.seen[from..].contains(text) {
            assert!(self.read(Duration::from_secs(60)), "{}", self.seen);
        }
    }

    fn finish(mut self) {
        self.master.write_all(b"hq").unwrap();
        self.program.wait().unwrap();
    }
}
