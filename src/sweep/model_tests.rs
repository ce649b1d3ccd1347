//! A collection and the owner of the cache, a step of the one between any two of the other.
//!
//! The owner is played as it is: it pulls step by step, takes no lock, removes a ref and writes it
//! back, marks what it uses, and sweeps what is old. The law: when the collection has ended, and
//! again when all pulls have, whatever a ref names is there and whole, unless the owner itself has
//! swept it away; and the ref that a pull has written is there as long as its image is. A collection
//! that is to remove images although refs name them takes those refs, and no others.
//!
//! One assumption: when the owner finds an image by its digest, it marks it as used, and writes the
//! ref that names it within two seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::outcome::{RemovalResult, Report};
use super::remove::remove;
use super::trash::{Round, STEPS, Trash};
use crate::StopFlag;
use crate::cache::{Cache, Location};
use crate::jobs::Jobs;
use crate::plan::{self, Evidence, GcOptions, Plan};
use crate::test_cache::{TestCache, USED, age, hash};
use crate::usage::Progress;

/// How many different images and references there are.
const KINDS: usize = 3;
/// How long a writer takes between the two halves of writing a ref.
const WRITING: Duration = Duration::from_millis(15);

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Somebody runs a reference, which is that of some image in the registry.
    Pull { reference: usize, image: usize },
    /// The same, but the ref goes first.
    PullAlways { reference: usize, image: usize },
    /// One of the pulls takes its next step.
    Advance { pull: usize },
    /// Time passes for an image that nobody works on.
    Age { image: usize },
    /// Time passes for a ref that nobody works on.
    AgeRef { reference: usize },
    /// The sweep at the start of the owner removes an image, or all refs.
    Sweep { image: Option<usize> },
}

/// Where a pull has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    ReadRef,
    RemoveRef,
    FindImage,
    Extract,
    Install,
    EmptyRef,
    WriteRef,
    WriteConfig,
    Done,
}

#[derive(Clone, Debug)]
struct Pull {
    reference: usize,
    image: usize,
    stage: Stage,
    temporary: PathBuf,
}

/// The owner of a cache.
struct Owner {
    cache: TestCache,
    pulls: Vec<Pull>,
    /// What its own sweep has removed and nobody pulled again.
    swept: BTreeSet<usize>,
    /// Which image each ref was written for, and as which of all refs that were written, unless the
    /// owner or a collection that was told to has removed either since.
    written: BTreeMap<usize, (usize, usize)>,
    writes: usize,
    extractions: usize,
}

impl Owner {
    fn new() -> Self {
        let cache = TestCache::new();
        fs::create_dir_all(cache.path("refs")).unwrap();
        let (swept, written) = (BTreeSet::new(), BTreeMap::new());
        Self { cache, pulls: Vec::new(), swept, written, writes: 0, extractions: 0 }
    }

    fn image(&self, image: usize) -> PathBuf {
        self.cache.path(&format!("sha256-{image}"))
    }

    fn ref_file(&self, reference: usize) -> PathBuf {
        self.cache.path("refs").join(hash(&reference.to_string()))
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Pull { reference, image } => self.begin(reference, image, Stage::ReadRef),
            Act::PullAlways { reference, image } => self.begin(reference, image, Stage::RemoveRef),
            Act::Advance { pull } if !self.pulls.is_empty() => {
                let pull = pull % self.pulls.len();
                self.advance(pull);
            }
            Act::Advance { .. } => {}
            Act::Age { image } if self.is_idle(image) && self.image(image).exists() => {
                age(&self.image(image), USED);
            }
            Act::AgeRef { reference } if self.named(reference).is_some() => {
                age(&self.ref_file(reference), USED);
            }
            Act::Sweep { image: Some(image) } if self.is_idle(image) => {
                if fs::remove_dir_all(self.image(image)).is_ok() {
                    self.swept.insert(image);
                    self.written.retain(|_, (named, _)| *named != image);
                }
            }
            Act::Sweep { image: None } if self.pulls.iter().all(|p| p.stage == Stage::Done) => {
                fs::remove_dir_all(self.cache.path("refs")).unwrap_or_default();
                self.written.clear();
            }
            Act::Age { .. } | Act::AgeRef { .. } | Act::Sweep { .. } => {}
        }
    }

    fn begin(&mut self, reference: usize, image: usize, stage: Stage) {
        self.extractions += 1;
        let temporary = self.cache.path(&format!("tmp-rootfs-{}", self.extractions));
        self.pulls.push(Pull { reference, image, stage, temporary });
    }

    /// Whether no pull has found or made this image and not yet named it.
    fn is_idle(&self, image: usize) -> bool {
        use Stage::{EmptyRef, WriteRef};
        let mut pulls = self.pulls.iter().filter(|pull| pull.image == image);
        pulls.all(|pull| !matches!(pull.stage, EmptyRef | WriteRef))
    }

    /// One step of one pull.
    fn advance(&mut self, index: usize) {
        let pull = self.pulls[index].clone();
        let (image, file) = (self.image(pull.image), self.ref_file(pull.reference));
        self.pulls[index].stage = match pull.stage {
            Stage::ReadRef => match self.named(pull.reference) {
                Some(named) if touch(&self.image(named)) => Stage::Done,
                _ => Stage::FindImage,
            },
            Stage::RemoveRef => {
                fs::remove_file(&file).unwrap_or_default();
                self.written.remove(&pull.reference);
                Stage::FindImage
            }
            Stage::FindImage if touch(&image) => Stage::EmptyRef,
            Stage::FindImage => {
                fs::create_dir(&pull.temporary).unwrap();
                Stage::Extract
            }
            Stage::Extract => {
                fill(&pull.temporary, pull.image);
                Stage::Install
            }
            Stage::Install => {
                if fs::rename(&pull.temporary, &image).is_err() {
                    fs::remove_dir_all(&pull.temporary).unwrap();
                }
                self.swept.remove(&pull.image);
                match touch(&image) {
                    true => Stage::EmptyRef,
                    // Somebody else's copy has gone again in this very moment.
                    false => Stage::FindImage,
                }
            }
            Stage::EmptyRef => {
                fs::create_dir_all(self.cache.path("refs")).unwrap();
                fs::write(&file, "").unwrap();
                Stage::WriteRef
            }
            Stage::WriteRef => {
                fs::write(&file, line(&pull)).unwrap();
                self.note_write(pull.reference, pull.image);
                Stage::WriteConfig
            }
            Stage::WriteConfig => {
                fs::write(image.join(".oci-config.json"), "{}").unwrap_or_default();
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
    }

    /// Lets the owner act, and then the collection take a step. A pull that is in the middle of
    /// writing a ref does not wait for the collection: it goes on meanwhile.
    fn meanwhile<T>(&mut self, acts: &[Act], step: impl FnOnce() -> T) -> T {
        acts.iter().for_each(|act| self.act(*act));
        let writing = self.pulls.iter_mut().filter(|pull| pull.stage == Stage::WriteRef);
        let written: Vec<Pull> = writing
            .map(|pull| {
                pull.stage = Stage::WriteConfig;
                pull.clone()
            })
            .collect();
        written.iter().for_each(|pull| self.note_write(pull.reference, pull.image));
        let writes: Vec<_> =
            written.iter().map(|pull| (self.ref_file(pull.reference), line(pull))).collect();
        std::thread::scope(|scope| {
            if !writes.is_empty() {
                scope.spawn(|| {
                    std::thread::sleep(WRITING);
                    writes.iter().for_each(|(file, line)| fs::write(file, line).unwrap());
                });
            }
            step()
        })
    }

    fn note_write(&mut self, reference: usize, image: usize) {
        self.writes += 1;
        self.written.insert(reference, (image, self.writes));
    }

    /// A collection that was told to has removed these refs: only one that was written after it had
    /// made its plan counts from now on.
    fn forget_refs(&mut self, plan: &Plan, report: Report<'_>, writes: usize) {
        let outcome = report.into_outcome(None);
        let removed = plan.removals().filter(|decision| {
            decision.verdict.outweighs_refs()
                && matches!(
                    outcome.get(decision.item.location()),
                    Some(RemovalResult::Removed { .. })
                )
        });
        let removed: BTreeSet<_> =
            removed.map(|decision| decision.item.location().name.to_string()).collect();
        let is_removed = |reference: &usize| removed.contains(&hash(&reference.to_string()));
        self.written.retain(|reference, (_, write)| *write > writes || !is_removed(reference));
    }

    fn finish_pulls(&mut self) {
        for index in 0..self.pulls.len() {
            while self.pulls[index].stage != Stage::Done {
                self.advance(index);
            }
        }
    }

    /// The image that a ref names.
    fn named(&self, reference: usize) -> Option<usize> {
        let text = fs::read_to_string(self.ref_file(reference)).ok()?;
        text.trim().rsplit_once(':')?.1.parse().ok()
    }

    fn check(&self, when: &str) {
        for reference in 0..KINDS {
            let Some(image) = self.named(reference) else { continue };
            if !self.swept.contains(&image) {
                assert_eq!(content(&self.image(image)), expected(image), "{when}: image {image}");
            }
        }
        for (&reference, &(image, _)) in &self.written {
            if self.image(image).exists() {
                assert_eq!(self.named(reference), Some(image), "{when}: ref {reference}");
            }
        }
    }
}

/// Reachability an image as used now, if it is there.
fn touch(image: &Path) -> bool {
    image.exists() && {
        age(image, Duration::ZERO);
        true
    }
}

fn line(pull: &Pull) -> String {
    format!("example.com/{}:latest\tsha256:{}\n", pull.reference, pull.image)
}

fn fill(top: &Path, image: usize) {
    for (name, text) in expected(image) {
        fs::create_dir_all(top.join(&name).parent().unwrap()).unwrap();
        fs::write(top.join(name), text).unwrap();
    }
}

/// What an image holds.
fn expected(image: usize) -> BTreeMap<String, String> {
    let names = ["bin/a", "bin/b", "usr/lib/deep/c", "etc/d"];
    names.map(|name| (name.to_owned(), format!("{name} of {image}"))).into()
}

fn content(top: &Path) -> BTreeMap<String, String> {
    let mut names = expected(0);
    names.iter_mut().for_each(|(name, text)| {
        *text = fs::read_to_string(top.join(name)).unwrap_or_default();
    });
    names
}

/// A whole collection, with the owner at work before each of its steps. Images of `unwanted` are to go
/// although refs name them.
fn collect_garbage(owner: &mut Owner, acts: &[Vec<Act>], unwanted: &BTreeSet<usize>) {
    let mut acts = acts.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    let mut next = || acts.next().unwrap_or_default();
    let cache = Cache::open(owner.cache.dir()).unwrap().unwrap();
    let inventory = owner.meanwhile(next(), || cache.inventory().unwrap());
    let images = inventory.images().map(|(entry, _)| entry.location.clone());
    let is_unwanted = |image: &Location| {
        unwanted.iter().any(|n| *image.name.to_string() == format!("sha256-{n}"))
    };
    let evicted = images.filter(is_unwanted).collect();
    let options = GcOptions { evicted, ..GcOptions::default() };
    let plan = plan::gc(&inventory, &options, &Evidence::of_idle_cache(Timestamp::now()));
    let writes = owner.writes;
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&cache, &plan, &report);
    let waiting = plan.changed_places();
    let mut round = Round { waiting, ..Round::default() };
    for step in STEPS {
        round = owner.meanwhile(next(), || trash.take(step, round)).unwrap();
    }
    owner.meanwhile(next(), || {
        let progress = Progress::for_items(plan.locations(), StopFlag::new());
        let pool = Jobs::new(2).unwrap().pool().unwrap();
        remove(&round.doomed, &progress, &pool, &report);
    });
    owner.forget_refs(&plan, report, writes);
}

fn act() -> impl Strategy<Value = Act> {
    let kind = || 0..KINDS;
    prop_oneof![
        2 => (kind(), kind()).prop_map(|(reference, image)| Act::Pull { reference, image }),
        1 => (kind(), kind()).prop_map(|(reference, image)| Act::PullAlways { reference, image }),
        12 => (0..8_usize).prop_map(|pull| Act::Advance { pull }),
        3 => kind().prop_map(|image| Act::Age { image }),
        3 => kind().prop_map(|reference| Act::AgeRef { reference }),
        1 => proptest::option::of(kind()).prop_map(|image| Act::Sweep { image }),
    ]
}

/// The number of cases: `.ci/run` asks for many.
fn cases() -> u32 {
    if std::env::var_os("BBOX_THOROUGH").is_some() { 1500 } else { 64 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn whatever_a_ref_names_is_there_and_whole(
        before in vec(act(), 0..40),
        during in vec(vec(act(), 0..6), 9),
        later in vec(vec(act(), 0..4), 9),
        unwanted in vec(btree_set(0..KINDS, 0..KINDS), 2),
    ) {
        let mut owner = Owner::new();
        before.iter().for_each(|act| owner.act(*act));
        for (acts, unwanted) in [&during, &later].into_iter().zip(&unwanted) {
            collect_garbage(&mut owner, acts, unwanted);
            owner.check("after a collection");
        }
        owner.finish_pulls();
        owner.check("after all pulls");
    }
}
