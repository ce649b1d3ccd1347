//! The owner's daily life while gc runs all the time and is killed half of the time.
//!
//! Each program has a thread that pulls it, gets a new build now and then, refreshes the reference
//! in the background, and fails at any step. Fetching the config of an image that was found by its
//! digest takes a while. The laws:
//!
//! - An image marked more recently than the grace period is there and whole.
//! - In the end, so is the newest build of each program.
//!
//! A gc may briefly hide an image that is being marked, and be killed at that moment. The next gc
//! puts the image back. The test counts how often an image was briefly missing. The long form, with
//! a thousand pulls per program:
//! `BBOX_THOROUGH=1 cargo test --test layers daily -- --nocapture`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime};

use crate::support::cache::agents::{base, config};
use crate::support::cache::pull::{Pull, Request, mark, write_in_place};
use crate::support::cache::{USED, hash};
use crate::support::{TestCache, run};

/// How much happens, and how fast.
struct Pace {
    programs: usize,
    /// Per program.
    pulls: usize,
    /// The longest time to fetch a config.
    fetch: Duration,
    grace: Duration,
}

/// The smallest number of gc runs in the meantime, however busy the machine is.
const FEWEST: usize = 5;

impl Pace {
    fn new() -> Self {
        if std::env::var_os("BBOX_THOROUGH").is_some() {
            let (fetch, grace) = (Duration::from_secs(5), Duration::from_secs(10));
            Self { programs: 20, pulls: 50, fetch, grace }
        } else {
            let (fetch, grace) = (Duration::from_millis(40), Duration::from_secs(1));
            Self { programs: 4, pulls: 10, fetch, grace }
        }
    }
}

/// Pseudo-random numbers, the same each time.
struct Chance(u64);

impl Chance {
    /// Below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn is_one_of(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    fn time(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(most.as_micros() as u64 + 1))
    }
}

#[derive(Debug, Default)]
struct Tally {
    pulls: AtomicUsize,
    fetches: AtomicUsize,
    failed: AtomicUsize,
    away: AtomicUsize,
    collections: AtomicUsize,
    killed: AtomicUsize,
}

/// The owner's view of one program.
struct Program<'a> {
    cache: &'a TestCache,
    tally: &'a Tally,
    pace: &'a Pace,
    number: usize,
    /// The version in the registry.
    version: usize,
    /// The last build pulled or used, and when it was marked, unless that was long ago.
    newest: Option<(PathBuf, Option<Instant>)>,
    chance: Chance,
}

impl Program<'_> {
    fn reference(&self) -> String {
        format!("example.com/program-{}:latest", self.number)
    }

    fn build(&self) -> Request {
        let image = format!("{}-{}", self.number, self.version);
        Request {
            reference: self.reference(),
            layers: vec!["base".to_owned(), image.clone()],
            image,
            extract,
            config: config(&[]),
        }
    }

    fn live(&mut self) {
        let mut pulls = 0;
        let is_early = || self.tally.collections.load(Relaxed) < FEWEST;
        while pulls < self.pace.pulls || (pulls < 50 * self.pace.pulls && is_early()) {
            pulls += 1;
            if self.chance.is_one_of(4) {
                self.version += 1;
            }
            if self.chance.is_one_of(3) {
                self.start();
            }
            self.pull();
            if self.chance.is_one_of(2) {
                self.rest();
            }
        }
    }

    /// A machine is started: the reference is rewritten in place, and its image is marked as used.
    fn start(&mut self) {
        let file = self.cache.path("refs").join(hash(&self.reference()));
        let Ok(line) = fs::read_to_string(&file) else { return };
        write_in_place(&file, line.as_bytes());
        let Some((_, digest)) = line.trim().rsplit_once(':') else { return };
        let image = self.cache.path(&format!("sha256-{digest}"));
        // On a busy machine, a thread may not run for longer than the grace period after any line.
        let begun = Instant::now();
        if mark(&image) {
            self.newest = Some((image, Some(begun)));
        }
        self.check();
    }

    /// The reference is removed, the registry is asked, and the reference is written back unless
    /// something fails before.
    fn pull(&mut self) {
        self.tally.pulls.fetch_add(1, Relaxed);
        let mut pull = Pull::begin(&self.cache.dir(), self.build());
        loop {
            if self.chance.is_one_of(24) {
                self.tally.failed.fetch_add(1, Relaxed);
                return;
            }
            if pull.is_fetching() {
                self.tally.fetches.fetch_add(1, Relaxed);
                sleep(self.chance.time(self.pace.fetch));
            }
            let (marks, begun) = (pull.is_marking(), Instant::now());
            let goes_on = pull.advance();
            if marks && pull.image().is_dir() {
                self.newest = Some((pull.image(), Some(begun)));
            }
            self.check();
            if !goes_on {
                return;
            }
        }
    }

    /// Half an hour passes for all builds. If it passed for the newest one only, an older one would
    /// look newer: born after the last use of the newest.
    fn rest(&mut self) {
        if let Some((_, marked)) = &mut self.newest {
            *marked = None;
        }
        let builds = (0..=self.version)
            .map(|version| self.cache.path(&format!("sha256-{}-{version}", self.number)));
        // Those that a gc has removed are not there.
        for build in builds.filter_map(|build| File::open(build).ok()) {
            build.set_modified(SystemTime::now() - USED).unwrap();
        }
    }

    /// An image marked within the grace period is there, or a gc is about to put it back.
    fn check(&self) {
        let Some((image, Some(marked))) = &self.newest else { return };
        if !is_whole(image) && marked.elapsed() < self.pace.grace.mul_f32(0.8) {
            self.tally.away.fetch_add(1, Relaxed);
            wait_until_whole(image);
        }
    }
}

fn wait_until_whole(image: &Path) {
    let begun = Instant::now();
    while !is_whole(image) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} is lost", image.display());
        sleep(Duration::from_millis(5));
    }
}

/// Extracts a layer: the base, or a build of a program.
fn extract(layer: &str, top: &Path) {
    let Some((number, _)) = layer.split_once('-') else { return base(top) };
    fs::create_dir_all(top.join("usr/local/bin")).unwrap();
    fs::write(top.join(format!("usr/local/bin/program-{number}")), layer).unwrap();
}

/// Whether an image has the contents of its last layer.
fn is_whole(image: &Path) -> bool {
    let layer = image.file_name().unwrap().to_str().unwrap().trim_start_matches("sha256-");
    let number = layer.split_once('-').unwrap().0;
    let program = fs::read_to_string(image.join(format!("usr/local/bin/program-{number}")));
    program.is_ok_and(|program| program == layer) && image.join("usr/bin/git").exists()
}

/// Runs gc until all threads are done, and kills every other run at a random time.
fn collect_garbage(cache: &TestCache, arguments: &[&str], tally: &Tally, is_done: &AtomicBool) {
    let (mut chance, mut usual) = (Chance(7), Duration::from_millis(20));
    while !is_done.load(Relaxed) {
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
        command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
        command.arg("-q").env("HOME", "/nobody/is/here");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let kills = chance.is_one_of(2);
        if kills {
            sleep(chance.time(usual));
            child.kill().unwrap();
        }
        child.wait().unwrap();
        if !kills {
            usual = begun.elapsed();
        }
        tally.killed.fetch_add(usize::from(kills), Relaxed);
        tally.collections.fetch_add(1, Relaxed);
    }
}

#[allow(clippy::print_stderr, reason = "the figures are there to be read")]
fn live_with(options: &[&str]) {
    let (cache, pace) = (TestCache::in_memory(), Pace::new());
    let (tally, is_done) = (Tally::default(), AtomicBool::new(false));
    let grace = format!("{}s", pace.grace.as_secs());
    let arguments = [&["gc", "--keep-recent", &grace], options].concat();
    let mut programs: Vec<_> = (0..pace.programs)
        .map(|number| {
            let chance = Chance(number as u64 * 77 + 1);
            let (cache, tally, pace) = (&cache, &tally, &pace);
            Program { cache, tally, pace, number, version: 0, newest: None, chance }
        })
        .collect();
    scope(|threads| {
        threads.spawn(|| collect_garbage(&cache, &arguments, &tally, &is_done));
        let lives: Vec<_> =
            programs.iter_mut().map(|program| threads.spawn(|| program.live())).collect();
        let ends: Vec<_> = lives.into_iter().map(|life| life.join()).collect();
        is_done.store(true, Relaxed);
        for end in ends {
            end.unwrap();
        }
    });
    assert_eq!(run(&cache, &arguments).code, 0);
    let builds: usize = programs.iter().map(|program| program.version + 1).sum();
    let names = fs::read_dir(cache.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let left = names.filter(|name| name.to_string_lossy().starts_with("sha256-")).count();
    eprintln!("{options:?}: {tally:?}, {left} of {builds} builds left");
    for (image, _) in programs.iter().filter_map(|program| program.newest.as_ref()) {
        assert!(is_whole(image), "{} is lost", image.display());
    }
}

#[test]
fn no_image_marked_within_the_grace_period_is_lost() {
    live_with(&[]);
}

#[test]
fn nor_is_one_when_gc_removes_layers_too() {
    live_with(&["--layers"]);
}
