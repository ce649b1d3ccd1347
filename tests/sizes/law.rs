//! The law of sizes, over random caches with images, layers, clones and hard links: no part is
//! larger than the whole; `list` and the dry run report the same, and the real run the same or a
//! narrower range; and the file system agrees.
//!
//! `BBOX_THOROUGH=1 cargo test --test sizes law -- --nocapture` tries 1,000 caches on each file
//! system.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::content::{self, MIB};
use crate::findings::{BESIDES, METADATA};
use crate::scene::Scene;
use crate::volume::{System, Volume};

#[test]
fn no_part_is_larger_than_the_whole_and_all_reports_agree() {
    let caches = if std::env::var_os("BBOX_THOROUGH").is_some() { 1000 } else { 5 };
    let systems = [System::Ext4, System::Btrfs, System::Xfs];
    std::thread::scope(|scope| {
        systems.into_iter().for_each(|system| drop(scope.spawn(move || hold(system, caches))));
    });
}

/// The clones of a file are counted one after another, each just before it is removed. The last one
/// no longer shares its data then.
#[test]
fn data_shared_by_removed_images_only_is_freed_once() {
    const DIRECTORIES: u64 = 300;
    for system in [System::Btrfs, System::Xfs] {
        let volume = match Volume::mount(system) {
            Ok(volume) => volume,
            Err(reason) => return crate::tell(&format!("skipped: {reason}\n")),
        };
        let scene = Scene::new(&volume);
        let one = scene.image_with("one", |top| {
            for number in 0..DIRECTORIES {
                let file = top.join(format!("{number}/file"));
                content::file(&file, 16 << 10);
                fs::hard_link(&file, top.join(format!("{number}/link"))).unwrap();
            }
        });
        for name in ["two", "three"] {
            scene.image_with(name, |top| {
                for number in 0..DIRECTORIES {
                    let file = format!("{number}/file");
                    fs::create_dir(top.join(number.to_string())).unwrap();
                    content::clone(&one.join(&file), &top.join(&file));
                }
            });
        }
        scene.settle();
        let dry = bounds(&scene.run(&["gc", "-n"])["totals"]["freed_bytes"]);
        let real = bounds(&scene.run(&["gc"])["totals"]["freed_bytes"]);
        assert!(real.1 <= dry.1 && real.0 >= dry.0, "{}: {real:?}, dry {dry:?}", system.name());
        assert!(real.1 < (DIRECTORIES + 100) * (16 << 10), "{}: {real:?}", system.name());
    }
}

fn hold(system: System, caches: u64) {
    let volume = match Volume::mount(system) {
        Ok(volume) => volume,
        Err(reason) => return crate::tell(&format!("skipped: {reason}\n")),
    };
    for seed in 0..caches {
        let scene = Scene::new(&volume);
        let verb = Builder { scene: &scene, dice: Dice(seed), files: Vec::new() }.build();
        let broken = Said::of(&scene, verb).broken();
        assert!(
            broken.is_empty(),
            "{}, cache {seed}, {verb:?}:\n{}",
            system.name(),
            broken.join("\n")
        );
        if seed % 100 == 99 {
            crate::tell(&format!("{}: {} caches\n", system.name(), seed + 1));
        }
    }
}

/// Pseudo-random numbers, the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Fills a cache.
struct Builder<'s> {
    scene: &'s Scene<'s>,
    dice: Dice,
    /// Files that can be cloned or linked to.
    files: Vec<PathBuf>,
}

impl Builder<'_> {
    /// Returns the removal to try.
    fn build(mut self) -> &'static [&'static str] {
        for number in 0..self.dice.below(4) {
            let layer = self.scene.cache.layer_with(&format!("layer{number}"), |_| {});
            self.fill(&layer);
        }
        for number in 0..=self.dice.below(4) {
            let name = format!("image{number}");
            let image = self.scene.image_with(&name, |_| {});
            self.fill(&image);
            if self.dice.once_in(3) {
                self.scene.keep(&name);
            }
        }
        for (place, often) in [(self.scene.outside("clones"), 4), (self.scene.guest("vm"), 3)] {
            if self.dice.once_in(often) {
                fs::create_dir_all(&place).unwrap();
                self.share(&place.join("clone"), true);
            }
        }
        self.scene.settle();
        let verbs: [&[&str]; 3] = [&["gc"], &["gc", "--layers=all"], &["purge", "--force"]];
        verbs[self.dice.below(verbs.len())]
    }

    fn fill(&mut self, top: &Path) {
        let folder = top.join("usr");
        fs::create_dir(&folder).unwrap();
        for number in 0..self.dice.below(9) {
            let path = folder.join(format!("file{number}"));
            match self.dice.below(5) {
                0 | 1 => self.share(&path, true),
                2 => self.share(&path, false),
                3 if self.dice.once_in(2) => content::sparse(&path, 3 * MIB),
                _ => self.write(&path),
            }
            self.files.extend(path.exists().then_some(path));
        }
    }

    fn write(&mut self, path: &Path) {
        let bytes = [0, 100, 5_000, 64 << 10, 256 << 10, 700 << 10][self.dice.below(6)];
        content::file(path, bytes);
    }

    /// Clones a file, or gives it another name. On btrfs no clone is written to, because btrfs
    /// keeps an extent as long as any part of it is used, and does not report that.
    fn share(&mut self, path: &Path, by_clone: bool) {
        if self.files.is_empty() {
            return;
        }
        let from = self.files[self.dice.below(self.files.len())].clone();
        let system = self.scene.volume.system;
        if by_clone && system != System::Ext4 {
            content::clone(&from, path);
            let is_long = fs::metadata(path).unwrap().len() >= 256 << 10;
            if system == System::Xfs && is_long && self.dice.once_in(3) {
                content::overwrite(path, 0, 128 << 10);
            }
        } else {
            fs::hard_link(from, path).unwrap();
        }
    }
}

/// Everything reported about one removal.
struct Said {
    system: System,
    before: Value,
    dry: Value,
    real: Value,
    /// The total after the removal.
    after: u64,
    /// The bytes that the file system has freed.
    came_back: i64,
    is_gc: bool,
}

impl Said {
    fn of(scene: &Scene<'_>, verb: &[&str]) -> Self {
        let free = scene.volume.free();
        let list = || scene.run(&["list", "--sizes"]);
        let (before, dry) = (list(), scene.run(&[verb, &["-n"]].concat()));
        let real = scene.run(verb);
        let came_back = scene.volume.free().wrapping_sub(free).cast_signed();
        let (system, is_gc) = (scene.volume.system, verb == ["gc"]);
        let is_there = scene.cache.dir().exists();
        let after = if is_there { on_disk(&list()["totals"]) } else { 0 };
        Self { system, before, dry, real, after, came_back, is_gc }
    }

    /// The violations of the law.
    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut at_most = |part: String, is: u64, of: &str, whole: u64| {
            if is > whole {
                broken.push(format!("{part} is {is}, {of} is {whole}"));
            }
        };
        let totals = &self.before["totals"];
        let total = on_disk(totals);
        let mut layers = 0;
        for kind in ["images", "layers", "leftovers"] {
            for (number, item) in items(&self.before, kind).enumerate() {
                let (unique, size) = (bounds(&item["unique_bytes"]), on_disk(item));
                let name = format!("{kind} {number}");
                at_most(format!("certain of {name}"), unique.0, "at most", unique.1);
                at_most(format!("unique of {name}"), unique.1, "its size", size);
                at_most(format!("unique of {name}"), unique.1, "the total", total);
                layers += if kind == "layers" { size } else { 0 };
            }
        }
        let (in_all, in_layers) =
            (&totals["reclaimable_bytes"], &totals["layers_reclaimable_bytes"]);
        at_most("reclaimable".into(), bounds(in_all).1, "the total", total);
        at_most("reclaimable of layers".into(), bounds(in_layers).1, "all layers", layers);
        let freed = bounds(&self.dry["totals"]["freed_bytes"]);
        let sizes: u64 = items(&self.dry, "decisions")
            .filter(|decision| decision["action"] == "remove" && !decision["usage"].is_null())
            .map(on_disk)
            .sum();
        // A purge removes its folders, too, which are not decisions.
        if self.is_gc {
            at_most("freed".into(), freed.1, "the sizes of the removed images", sizes);
            at_most("left in layers".into(), self.left_in_layers(), "all layers", layers);
        }
        at_most("freed".into(), freed.1, "the total", total);
        let gone = total.saturating_sub(self.after);
        at_most("freed".into(), freed.1, "what list has less", gone + INDEX);
        // The real run inspects each file after others are gone that may have shared its data, so
        // it may know more.
        let run = bounds(&self.real["totals"]["freed_bytes"]);
        let is_within = freed.0 <= run.0 && run.0 <= run.1 && run.1 <= freed.1;
        if !is_within || self.is_gc && freed != bounds(in_all) {
            broken.push(format!("the run says {run:?}, the dry run {freed:?}, list {in_all}"));
        }
        broken.extend(self.broken_by_file_system(run));
        broken
    }

    fn left_in_layers(&self) -> u64 {
        bounds(&self.dry["totals"]["layers_reclaimable_bytes"]).1
    }

    fn broken_by_file_system(&self, (certain, at_most): (u64, u64)) -> Option<String> {
        let count = |field: &str| -> u64 {
            let usage = items(&self.dry, "decisions").map(|decision| &decision["usage"]);
            usage.filter_map(|usage| usage[field].as_u64()).sum()
        };
        let metadata = match self.system {
            System::Ext4 | System::Ext4WithoutBirths => 0,
            System::Btrfs | System::Xfs => METADATA * (count("files") + count("directories")),
        };
        let allowed = certain.cast_signed() - BESIDES.cast_signed()
            ..=(at_most + BESIDES + metadata).cast_signed();
        let came_back = self.came_back;
        (!allowed.contains(&came_back))
            .then(|| format!("{came_back} freed, predicted {certain} to {at_most}"))
    }
}

/// How much smaller references and folders may be, too, by the time a removal was measured.
const INDEX: u64 = 16 << 10;

fn items<'v>(document: &'v Value, kind: &str) -> impl Iterator<Item = &'v Value> {
    document[kind].as_array().unwrap().iter()
}

fn on_disk(of: &Value) -> u64 {
    of["usage"]["on_disk_bytes"].as_u64().unwrap()
}

fn bounds(pair: &Value) -> (u64, u64) {
    let [certain, at_most] = ["certain", "at_most"].map(|bound| pair[bound].as_u64().unwrap_or(0));
    (certain, at_most)
}
