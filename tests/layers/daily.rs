//! Owners at work all day, and a collection that never rests and is often killed.
//!
//! Each owner has a reference of its own. It removes that, asks the registry, marks the image that it finds and fetches the
//! config for any time before it writes the reference back, or does not: its session has ended, or the network has.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::TestCache;
use crate::support::cache::agents::Agent;
use crate::support::cache::pull::{Pull, Request};

struct Day {
    owners: usize,
    pulls: usize,
    /// The longest that a config takes.
    fetch: Duration,
    /// How long the collection keeps what was marked.
    grace: Duration,
}

impl Day {
    fn new() -> Self {
        match std::env::var_os("BBOX_THOROUGH") {
            Some(_) => Self {
                owners: 50,
                pulls: 20,
                fetch: Duration::from_secs(5),
                grace: Duration::from_secs(10),
            },
            None => Self {
                owners: 8,
                pulls: 5,
                fetch: Duration::from_millis(100),
                grace: Duration::from_secs(2),
            },
        }
    }
}

/// Numbers as good as random ones, the same in each run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One pull. The image, with the time of its mark; `None` if the owner met an image or layer that went before it was
/// marked, and would begin anew.
fn pull(
    cache: &TestCache,
    request: Request,
    day: &Day,
    dice: &mut Dice,
) -> Option<(PathBuf, Instant)> {
    let steps = AssertUnwindSafe(|| {
        let mut pull = Pull::begin(&cache.dir(), request);
        let is_hit = pull.image().is_dir();
        if !is_hit {
            return (pull.finish(), Instant::now());
        }
        pull.advance();
        let marked = Instant::now();
        std::thread::sleep(day.fetch.mul_f64(dice.roll(1000) as f64 / 1000.0));
        // Some never come to write the reference.
        if dice.roll(10) > 0 {
            while pull.advance() {}
        }
        (pull.image(), marked)
    });
    catch_unwind(steps).ok()
}

fn owner(cache: &TestCache, number: usize, day: &Day, lost: &AtomicUsize, pulls: &AtomicUsize) {
    let (mut dice, mut version) = (Dice(number as u64), 1);
    for _ in 0..day.pulls {
        version += u32::from(dice.roll(5) == 0);
        let build = Agent::ALL[number % Agent::ALL.len()].build(version);
        let (reference, image) =
            (format!("{}-{number}", build.reference), format!("{}-{number}", build.image));
        let Some((image, marked)) =
            pull(cache, Request { reference, image, ..build }, day, &mut dice)
        else {
            continue;
        };
        pulls.fetch_add(1, Ordering::Relaxed);
        let is_young = marked.elapsed() < day.grace;
        lost.fetch_add(usize::from(is_young && !comes_back(&image)), Ordering::Relaxed);
    }
}

/// Whether an image is there. A collection may have hidden it before it was marked, and brings it back; or the next one
/// does, if that was killed.
fn comes_back(image: &Path) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if image.join(".oci-config.json").exists() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Collects until told to end, and is killed every other time.
fn collect(cache: &TestCache, options: &[&str], day: &Day, is_over: &AtomicBool) -> usize {
    let (mut dice, mut runs) = (Dice(7), 0);
    let grace = format!("--keep-recent={}s", day.grace.as_secs());
    while !is_over.load(Ordering::Relaxed) {
        let mut gc = Command::new(env!("CARGO_BIN_EXE_bbox"));
        gc.args(["cache", "gc", "-q", &grace]).args(options).arg("--cache-dir").arg(cache.dir());
        gc.env("HOME", "/nobody/is/here").stdout(Stdio::null()).stderr(Stdio::null());
        let mut gc = gc.spawn().unwrap();
        if runs % 2 == 0 {
            std::thread::sleep(Duration::from_millis(dice.roll(60)));
            gc.kill().unwrap();
        }
        gc.wait().unwrap();
        runs += 1;
    }
    runs
}

#[test]
fn nothing_that_was_marked_a_moment_ago_is_lost() {
    let day = Day::new();
    for options in [&[][..], &["--layers"]] {
        let cache = TestCache::in_memory();
        let (is_over, lost, pulls) =
            (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        let runs = std::thread::scope(|scope| {
            let collector = scope.spawn(|| collect(&cache, options, &day, &is_over));
            let work = |number| owner(&cache, number, &day, &lost, &pulls);
            let owners: Vec<_> =
                (0..day.owners).map(|number| scope.spawn(move || work(number))).collect();
            owners.into_iter().for_each(|owner| owner.join().unwrap());
            is_over.store(true, Ordering::Relaxed);
            collector.join().unwrap()
        });
        let (pulls, lost) = (pulls.into_inner(), lost.into_inner());
        crate::copies::tell(&format!(
            "{pulls} pulls, {runs} collections {options:?}, {lost} images lost\n"
        ));
        assert!(lost == 0 && pulls > day.owners * day.pulls / 2 && runs > 1, "{lost} of {pulls}");
    }
}
