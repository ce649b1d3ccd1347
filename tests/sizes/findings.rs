//! The findings of a test case.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bbox_cache::cache::{Cache, Inventory};
use bbox_cache::usage::{CacheUsage, Measurement, Meter, Size, Walker};
use bbox_cache::{Jobs, StopFlag};
use serde_json::Value;

use crate::cases::{Case, Removes};
use crate::scene::Scene;
use crate::support::du;
use crate::volume::{System, run};

/// The most metadata per file or directory, in bytes, which is freed, too.
pub const METADATA: u64 = 2048;
/// How much the file system may use or free otherwise.
pub const BESIDES: u64 = 256 << 10;

#[derive(Clone)]
pub struct Row {
    pub system: System,
    pub case: &'static str,
    /// The sum of the sizes of everything removed, like `du`.
    pub sizes: u64,
    pub certain: u64,
    pub at_most: u64,
    /// The bytes that the file system has freed at the end, and before that while something was
    /// still open.
    pub real: i64,
    pub while_open: Option<i64>,
    pub entries: u64,
    complaints: Vec<String>,
}

pub fn find(case: &Case, scene: &Scene<'_>) -> Row {
    scene.settle();
    let mut complaints = Vec::new();
    compare(scene, &mut complaints);
    let verb: &[&str] = match case.removes {
        Removes::Orphans => &["gc"],
        Removes::Everything => &["purge", "--force"],
    };
    let dry = scene.run(&[verb, &["-n"]].concat());
    compare_unique(scene, &dry, &mut complaints);
    let before = scene.volume.free();
    let done = scene.run(verb);
    let freed = || scene.volume.free().wrapping_sub(before).cast_signed();
    let while_open = (!scene.open.borrow().is_empty()).then(&freed);
    scene.open.borrow_mut().clear();
    let bounds = |document: &Value| {
        let freed = &document["totals"]["freed_bytes"];
        (freed["certain"].as_u64().unwrap(), freed["at_most"].as_u64().unwrap())
    };
    let (certain, at_most) = bounds(&dry);
    // A file is inspected again after some that it shares data with are gone. That can only narrow
    // the bounds.
    let (least, most) = bounds(&done);
    if least < certain || most > at_most || least > most {
        complaints.push(format!("done {:?}, expected {:?}", bounds(&done), (certain, at_most)));
    }
    let sum = |field: &str| usages(&dry).map(|usage| usage[field].as_u64().unwrap()).sum::<u64>();
    let row = Row {
        system: scene.volume.system,
        case: case.name,
        sizes: sum("on_disk_bytes"),
        certain,
        at_most,
        real: patiently(freed, certain),
        while_open,
        entries: sum("files") + sum("directories"),
        complaints,
    };
    row.judged(&done)
}

/// The bytes freed by the file system. btrfs frees files that were still open in a thread of its
/// own, which may be slow on a busy machine, so it gets up to ten seconds.
fn patiently(freed: impl Fn() -> i64, least: u64) -> i64 {
    let begun = Instant::now();
    loop {
        let found = freed();
        let is_late = found < least.cast_signed() - BESIDES.cast_signed();
        if !is_late || begun.elapsed() > Duration::from_secs(10) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn usages(document: &Value) -> impl Iterator<Item = &Value> {
    let decisions = document["decisions"].as_array().unwrap().iter();
    decisions.map(|decision| &decision["usage"]).filter(|usage| !usage.is_null())
}

/// Checks that `list` and `show` report the same for an image removed alone as `gc`.
fn compare_unique(scene: &Scene<'_>, dry: &Value, complaints: &mut Vec<String>) {
    let decisions = dry["decisions"].as_array().unwrap().iter();
    let removed: Vec<_> = decisions.filter(|decision| decision["action"] == "remove").collect();
    let [removed] = removed.as_slice() else { return };
    let list = scene.run(&["list", "--sizes"]);
    let images = list["images"].as_array().unwrap();
    let image = images.iter().find(|image| image["digest"] == removed["digest"]).unwrap();
    let show = scene.run(&["show", image["digest"].as_str().unwrap()]);
    let said =
        [&image["unique_bytes"], &show["unique_bytes"], &list["totals"]["reclaimable_bytes"]];
    for said in said {
        if *said != dry["totals"]["freed_bytes"] {
            complaints
                .push(format!("list or show says {said}, gc {}", dry["totals"]["freed_bytes"]));
        }
    }
}

/// Compares the two walkers with each other and with `btrfs filesystem du`. XFS may release
/// preallocated space after a file between two measurements, so only a lasting difference counts.
fn compare(scene: &Scene<'_>, complaints: &mut Vec<String>) {
    let mut found = Vec::new();
    for _ in 0..3 {
        found.clear();
        compare_once(scene, &mut found);
        if found.is_empty() {
            break;
        }
        scene.volume.free();
    }
    complaints.append(&mut found);
}

fn compare_once(scene: &Scene<'_>, complaints: &mut Vec<String>) {
    let cache = Cache::open(scene.cache.dir()).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    let [native, portable] =
        [Walker::Native, Walker::Portable].map(|walker| measure(&cache, &inventory, walker));
    let whole = native.total().on_disk();
    let [native, portable] = [&native, &portable].map(CacheUsage::measurement);
    for at in inventory.entries.iter().map(|entry| &entry.location) {
        let path = at.path_in(cache.path());
        let of = |found: &Measurement| {
            let breakdown = found.breakdown(at).unwrap().clone();
            (found.usage(at), found.unique(at), found.total([at]), breakdown)
        };
        if Some(native.breakdown(at).unwrap().usage()) != native.usage(at) {
            complaints.push(format!("its parts do not add up: {}", path.display()));
        }
        if of(native) != of(portable) {
            complaints.push(format!("walkers: {:?}, {:?}", of(native), of(portable)));
        }
        compare_with_du(scene, &path, native.total([at]).on_disk(), complaints);
    }
    compare_with_du(scene, cache.path(), whole, complaints);
}

fn measure(cache: &Cache, inventory: &Inventory, walker: Walker) -> CacheUsage {
    let meter = Meter::new(Jobs::default()).with_walker(walker);
    let meter = meter.with_extents().with_breakdown(5);
    CacheUsage::measure(cache, inventory, &meter, &StopFlag::new(), &mut |_| {}).unwrap()
}

/// The bytes counted once although several files have them must equal the total minus the exclusive
/// and the set of shared extents, as reported by `btrfs filesystem du`.
fn compare_with_du(scene: &Scene<'_>, path: &Path, once: Size, complaints: &mut Vec<String>) {
    // `btrfs filesystem du` takes compressed extents to be as long on disk as in the file, so
    // adjacent ones seem to overlap.
    if !scene.is_btrfs() || scene.is_compressed.get() {
        return;
    }
    let mut command = Command::new("btrfs");
    let text = run(command.args(["filesystem", "du", "-s", "--raw"]).arg(path)).unwrap();
    let numbers = text.lines().last().unwrap().split_whitespace().take(3);
    let numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
    let [total, exclusive, shared] = numbers[..] else { panic!("{text}") };
    let (again, ours) = (total - exclusive - shared, du(path) - once.exact().unwrap().as_u64());
    if again != ours {
        complaints.push(format!("{}: {ours} counted once, expected {again}", path.display()));
    }
}

impl Row {
    pub fn allowance(&self) -> i64 {
        (BESIDES + METADATA * self.entries).cast_signed()
    }

    /// Records a complaint if the figures do not match what has happened.
    fn judged(mut self, done: &Value) -> Self {
        let (least, most) = (self.certain.cast_signed(), self.at_most.cast_signed());
        let allowed = least - BESIDES.cast_signed()..=most + self.allowance();
        if !allowed.contains(&self.real) {
            let complaint = format!("{} freed, expected {least} to {most}", self.real);
            self.complaints.push(complaint);
        }
        let bytes = |field| done["totals"]["freed_bytes"][field].as_i64().unwrap();
        let narrowed =
            bytes("certain") - BESIDES.cast_signed()..=bytes("at_most") + self.allowance();
        if !narrowed.contains(&self.real) {
            let complaint = format!("{} freed, but gc reported {narrowed:?}", self.real);
            self.complaints.push(complaint);
        }
        let said = done["totals"]["file_system_freed_bytes"].as_i64().unwrap();
        let seen = self.while_open.unwrap_or(self.real);
        if (said - seen).abs() > BESIDES.cast_signed() {
            self.complaints
                .push(format!("gc reported {said} freed by the file system, but it was {seen}"));
        }
        self
    }

    pub fn agrees(&self) -> bool {
        self.complaints.is_empty()
    }

    pub fn complaint(&self) -> Option<String> {
        let complaints = self.complaints.join("\n  ");
        (!self.agrees()).then(|| format!("{}, {}:\n  {complaints}", self.system.name(), self.case))
    }
}
