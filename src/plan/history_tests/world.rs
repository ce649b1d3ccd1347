//! The owner and its cache as plain values, together with the truth about them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Act;
use crate::cache::{
    ConfigTimes, Digest, Entry, EntryKind, EntryName, Folder, ImageTimes, Inventory, LayerTimes,
    Leftover, Lifetimes, Location, Ref,
};
use crate::plan::{self, Activity, Evidence, GcOptions, LayerChoice, LayerStatus};

/// A tick of the kernel's coarse clock.
const TICK: i64 = 4_000_000;
const DAY: i64 = 86_400_000_000_000;
/// The owner evicts at its next start what has not changed for longer than this.
const EVICTION: i64 = 7 * DAY;

/// The true course of a pull.
#[derive(Clone, Debug)]
struct Pull {
    reference: usize,
    layers: Vec<u8>,
    /// When it began to extract the missing layers.
    extracting: BTreeMap<u8, i64>,
    /// The number of steps taken, and the time of the last one.
    step: usize,
    changed: i64,
    rootfs: Rootfs,
    /// Whether its image was already there, so that it only has to write the ref.
    is_hit: bool,
    is_killed: bool,
}

#[derive(Clone, Debug)]
struct Rootfs {
    born: i64,
    modified: i64,
    config: Option<(i64, i64)>,
    used: BTreeSet<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Layer {
    born: i64,
    filled: i64,
    modified: i64,
}

/// How unneeded layers were judged, and how many needed ones were lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub found: u32,
    pub referenced: u32,
    pub unknown: u32,
    pub wrong: u32,
    /// Needed layers that were kept.
    pub kept: u32,
}

#[derive(Default)]
pub struct World {
    /// In nanoseconds.
    pub clock: i64,
    layers: BTreeMap<u8, Layer>,
    /// By their layers, which stand for the digest.
    images: BTreeMap<Vec<u8>, Rootfs>,
    /// The image of each reference, and when the ref was written.
    refs: BTreeMap<usize, (Vec<u8>, i64)>,
    pulls: Vec<Pull>,
    /// When an entry was last added to or removed from the root, `layers` and `refs`.
    folders: [i64; 3],
    pub tally: Tally,
}

fn name(prefix: &str, rest: impl std::fmt::Display) -> EntryName {
    EntryName::new(format!("{prefix}{rest}")).unwrap()
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap()
}

impl World {
    pub fn new(clock: i64) -> Self {
        Self { clock, ..Self::default() }
    }

    fn coarse(&self) -> i64 {
        self.clock - self.clock.rem_euclid(TICK)
    }

    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Pull { reference, layers } => self.begin(*reference, layers),
            Act::PullAlone { reference, layers } => {
                let before = self.pulls.len();
                self.begin(*reference, layers);
                while self.pulls.len() > before {
                    self.clock += 1_000_000_000;
                    self.advance(before);
                }
            }
            Act::Advance { pull } if !self.pulls.is_empty() => {
                let pull = pull % self.pulls.len();
                self.advance(pull);
            }
            Act::Kill { pull } if !self.pulls.is_empty() => {
                let pull = pull % self.pulls.len();
                self.pulls[pull].is_killed = true;
            }
            Act::Untag { reference } => self.untag(*reference),
            Act::Retag { reference, image } => {
                let image = self.images.keys().nth(image % self.images.len().max(1)).cloned();
                image.into_iter().for_each(|image| self.tag(*reference, image));
            }
            Act::Start { reference } => self.start(*reference),
            // The file stays, but no longer points at anything.
            Act::FullDisk { reference } => drop(self.refs.remove(reference)),
            Act::Days => self.clock += 5 * DAY,
            Act::Collect => self.collect(),
            Act::Advance { .. } | Act::Kill { .. } => {}
        }
    }

    /// A ref is written in place, so only a new one changes its folder.
    fn tag(&mut self, reference: usize, image: Vec<u8>) {
        let coarse = self.coarse();
        if self.refs.insert(reference, (image, coarse)).is_none() {
            self.folders[2] = coarse;
        }
    }

    fn untag(&mut self, reference: usize) {
        if self.refs.remove(&reference).is_some() {
            self.folders[2] = self.coarse();
        }
    }

    /// Evicts what is old, rewrites a ref, and marks its image as used if that is there.
    fn start(&mut self, reference: usize) {
        self.evict();
        let Some((image, _)) = self.refs.get(&reference).cloned() else { return };
        self.tag(reference, image.clone());
        let clock = self.clock;
        self.images.get_mut(&image).into_iter().for_each(|image| image.modified = clock);
    }

    fn evict(&mut self) {
        let (oldest, coarse) = (self.clock - EVICTION, self.coarse());
        let (images, pulls) = (self.images.len(), self.pulls.len());
        self.images.retain(|_, image| image.modified >= oldest);
        self.pulls.retain(|pull| Self::is_installed(pull) || pull.rootfs.modified >= oldest);
        let mut is_root_changed = (images, pulls) != (self.images.len(), self.pulls.len());
        let is_folder_old = self.folders[1] < oldest;
        let layers = self.layers.iter();
        let old = layers.filter(|(_, layer)| is_folder_old || layer.modified < oldest);
        let old: BTreeSet<_> = old.map(|(number, _)| *number).collect();
        if is_folder_old {
            // Extractions in it have failed.
            self.pulls.retain(|pull| pull.extracting.is_empty());
        }
        if !old.is_empty() {
            self.folders[1] = coarse;
            is_root_changed |= is_folder_old;
        }
        for number in old {
            self.layers.remove(&number);
            // A new extraction under that name was not used for anything yet.
            let images = self.images.values_mut();
            let rootfs = images.chain(self.pulls.iter_mut().map(|pull| &mut pull.rootfs));
            rootfs.for_each(|rootfs| rootfs.used.retain(|used| *used != number));
        }
        if self.folders[2] < oldest && !self.refs.is_empty() {
            self.refs.clear();
            self.folders[2] = coarse;
            is_root_changed = true;
        }
        if is_root_changed {
            self.folders[0] = coarse;
        }
    }

    /// Drops the ref to ask the registry. If the image is there, it is marked as used and only
    /// needs its ref; otherwise a rootfs is begun.
    fn begin(&mut self, reference: usize, layers: &BTreeSet<u8>) {
        self.start(reference);
        self.untag(reference);
        let layers: Vec<_> = layers.iter().copied().collect();
        let (born, clock) = (self.coarse(), self.clock);
        let found = self.images.get_mut(&layers);
        let is_hit = found.is_some();
        found.into_iter().for_each(|image| image.modified = clock);
        let rootfs = Rootfs { born, modified: born, config: None, used: BTreeSet::new() };
        let (extracting, changed) = (BTreeMap::new(), clock);
        let (step, is_killed) = (0, false);
        self.pulls.push(Pull {
            reference,
            layers,
            extracting,
            step,
            changed,
            rootfs,
            is_hit,
            is_killed,
        });
        if !is_hit {
            self.folders[0] = born;
        }
    }

    /// Finds or begins each layer, fills it, applies it, and then finishes.
    fn advance(&mut self, index: usize) {
        let (coarse, clock) = (self.coarse(), self.clock);
        let pull = &mut self.pulls[index];
        let (count, stage) = (pull.layers.len(), pull.step / pull.layers.len());
        if pull.is_killed {
            return;
        }
        if pull.is_hit {
            let pull = self.pulls.remove(index);
            return self.tag(pull.reference, pull.layers);
        }
        if stage > 2 {
            return self.finish(index);
        }
        let layer = pull.layers[pull.step % count];
        let found = self.layers.get_mut(&layer);
        (pull.step, pull.changed) = (pull.step + 1, clock);
        match (stage, found) {
            (0, None) => drop(pull.extracting.insert(layer, coarse)),
            (0 | 2, Some(found)) => {
                found.modified = clock;
                pull.rootfs.used.insert(layer);
                if stage == 2 {
                    pull.rootfs.modified = coarse;
                }
            }
            (1, None) => {
                if let Some(born) = pull.extracting.remove(&layer) {
                    self.layers.insert(layer, Layer { born, filled: coarse, modified: coarse });
                    pull.rootfs.used.insert(layer);
                    self.folders[1] = coarse;
                }
            }
            (1, Some(_)) => {}
            // It was collected meanwhile: the owner gives up and extracts the image as a whole.
            _ => drop(self.pulls.remove(index)),
        }
    }

    /// Rename, touch, ref, config: one step each.
    fn finish(&mut self, index: usize) {
        let (coarse, clock) = (self.coarse(), self.clock);
        let pull = self.pulls[index].clone();
        self.pulls[index].step += 1;
        match pull.step - 3 * pull.layers.len() {
            0 => {
                self.folders[0] = coarse;
                self.images.entry(pull.layers).or_insert(pull.rootfs);
            }
            1 => {
                let image = self.images.get_mut(&pull.layers);
                image.into_iter().for_each(|image| image.modified = clock);
            }
            2 => self.tag(pull.reference, pull.layers),
            _ => {
                if let Some(image) = self.images.get_mut(&pull.layers) {
                    image.config = Some((image.config.map_or(coarse, |(born, _)| born), coarse));
                    image.modified = image.modified.max(coarse);
                }
                self.pulls.remove(index);
            }
        }
    }

    /// Whether it has no directories of its own any more.
    fn is_installed(pull: &Pull) -> bool {
        pull.is_hit || pull.step > 3 * pull.layers.len()
    }

    fn inventory(&self) -> (Inventory, Lifetimes) {
        let (mut inventory, mut times) = (Inventory::default(), Lifetimes::default());
        let [root, layers, _] = self.folders.map(at);
        times.folders = [(Folder::Root, root), (Folder::Layers, layers)].into();
        let rootfs = |rootfs: &Rootfs| ImageTimes {
            born: Some(at(rootfs.born)),
            config: rootfs.config.map(|(born, modified)| ConfigTimes {
                born: Some(at(born)),
                modified: at(modified),
            }),
        };
        for (layers, image) in &self.images {
            let location = image_location(layers);
            times.images.insert(location.clone(), rootfs(image));
            let kind = EntryKind::Image(digest(&location));
            inventory.entries.push(Entry::used_at(location, kind, at(image.modified)));
        }
        for pull in self.pulls.iter().filter(|pull| !Self::is_installed(pull)) {
            let location = pull.location();
            times.images.insert(location.clone(), rootfs(&pull.rootfs));
            let kind = EntryKind::Leftover(Leftover::Extraction);
            let last_used = at(pull.rootfs.modified);
            inventory.entries.push(Entry::used_at(location, kind, last_used));
        }
        for (number, layer) in &self.layers {
            let location = Location { folder: Folder::Layers, name: name("sha256-", number) };
            let layer_times =
                LayerTimes { born: Some(at(layer.born)), filled: Some(at(layer.filled)) };
            times.layers.insert(location.clone(), layer_times);
            let kind = EntryKind::Layer(digest(&location));
            inventory.entries.push(Entry::used_at(location, kind, at(layer.modified)));
        }
        let refs = self.refs.iter().map(|(file, (image, modified))| Ref {
            file: name("r", file),
            image: None,
            digest: digest(&image_location(image)),
            modified: at(*modified),
        });
        inventory.refs.refs = refs.collect();
        (inventory, times)
    }

    /// Collects an hour after the last event. Only killed pulls have stopped by then.
    pub fn collect(&mut self) {
        let (inventory, lifetimes) = self.inventory();
        let now = at(self.clock).checked_add(SignedDuration::from_secs(3600)).unwrap();
        let activity = self.pulls.iter().map(|pull| {
            (pull.location(), Some(if pull.is_killed { at(pull.changed) } else { now }))
        });
        let activity = Activity::new(&activity.collect::<Vec<_>>());
        let (layers, temp_age) = (LayerChoice::Unreferenced, SignedDuration::from_secs(3600));
        let options = GcOptions { all: true, layers, temp_age, ..GcOptions::default() };
        let evidence = Evidence { lifetimes, activity, ..Evidence::of_idle_cache(now) };
        let plan = plan::gc(&inventory, &options, &evidence);
        let to_remove = |location: &Location| {
            plan.removals().any(|decision| decision.item.location() == location)
        };
        let before = self.images.len() + self.pulls.len();
        self.pulls.retain(|pull| !to_remove(&pull.location()));
        self.images.retain(|layers, _| !to_remove(&image_location(layers)));
        let pulls = self.pulls.iter().filter(|pull| !Self::is_installed(pull));
        let rootfs = self.images.values().chain(pulls.map(|pull| &pull.rootfs));
        let needed: BTreeSet<_> = rootfs.flat_map(|rootfs| rootfs.used.iter().copied()).collect();
        for decision in plan.decisions() {
            let Some(layer_status) = &decision.layer_status else { continue };
            let number: u8 = decision.item.location().name.to_string()[7..].parse().unwrap();
            let tally = &mut self.tally;
            match (needed.contains(&number), layer_status) {
                (true, LayerStatus::Unreferenced) => tally.wrong += 1,
                (true, _) => tally.kept += 1,
                (false, LayerStatus::Unreferenced) => tally.found += 1,
                (false, LayerStatus::Referenced(_)) => tally.referenced += 1,
                (false, LayerStatus::Unknown(_)) => tally.unknown += 1,
            }
            if to_remove(decision.item.location()) {
                self.layers.remove(&number);
                self.folders[1] = self.coarse();
            }
        }
        if self.images.len() + self.pulls.len() < before {
            self.folders[0] = self.coarse();
        }
    }
}

impl Pull {
    fn location(&self) -> Location {
        let number = format!("{}-{}", self.reference, self.rootfs.born);
        Location { folder: Folder::Root, name: name("tmp-rootfs-", number) }
    }
}

fn image_location(layers: &[u8]) -> Location {
    let layers: Vec<_> = layers.iter().map(u8::to_string).collect();
    Location { folder: Folder::Root, name: name("sha256-i", layers.join("-")) }
}

fn digest(location: &Location) -> Digest {
    Digest::of_entry(&location.name).unwrap()
}
