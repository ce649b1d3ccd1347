//! A collection and the owner of the cache, with their steps interleaved.
//!
//! The simulated owner behaves like the real one. It pulls step by step, takes no lock, rewrites a
//! ref in place at each start, removes it afterwards and writes it back late or never, marks what
//! it uses, and evicts what is old, including the refs themselves. The laws:
//!
//! - At every instant an image is whole under its name, or not there under its name.
//! - After a collection, and again after all pulls, these images are there and whole: every
//!   referenced one, every one used within the grace period, and every one that the owner would
//!   start again. The exceptions are images that the owner itself evicted, or of which it pulled a
//!   newer build of the same program since their last use.
//! - Once everything is idle, one more collection removes every older build that is proven to be
//!   one.
//! - The ref that a pull has written is there as long as its image is. A collection that removes
//!   referenced images removes their refs, and no others.

mod owner;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::outcome::Report;
use super::remove::remove;
use super::step::{STEPS, Step};
use super::trash::{Round, Trash};
use crate::StopFlag;
use crate::cache::{Cache, Location, Mounts};
use crate::fs::Budget;
use crate::plan::{self, Evidence, GcOptions};
use crate::test_cache::TestCache;
use crate::usage::{Progress, Surveys};

use owner::Owner;

/// The number of different images and references.
const KINDS: usize = 3;
/// Two of the images are builds of the same program.
const PROGRAMS: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// The owner starts and evicts what is old. Then a user runs a reference, for which the
    /// registry has this image.
    Start { reference: usize, image: usize },
    /// The ref is dropped before the registry is asked: in the background after a machine has
    /// started, or in the foreground with `--pull=always`.
    Refresh { reference: usize, image: usize },
    /// The ref is dropped, and the session ends before the registry has answered.
    Lose { reference: usize },
    /// One of the pulls takes its next step.
    Advance { pull: usize },
    /// One of the pulls ends where it is: with its session, or because the registry does not
    /// answer.
    GiveUp { pull: usize },
    /// Fetching the config of an existing image takes longer than the grace period.
    FetchForLong { image: usize },
    /// A reference is started on a full disk: its ref is truncated, and stays empty.
    FullDisk { reference: usize },
    /// Time passes for an image.
    Age { image: usize },
    /// Time passes for a ref that no pull is working on.
    AgeRef { reference: usize },
    /// For more than a week, no one uses an image or changes anything in `refs`.
    LeaveAlone { image: Option<usize> },
}

/// What a collection removes besides older builds.
#[derive(Clone, Debug, Default)]
struct Wishes {
    /// Images to remove even if they are referenced.
    unwanted: BTreeSet<usize>,
    /// Whether to remove every orphan.
    all: bool,
}

/// A whole collection, with acts of the owner before each of its steps.
fn collect_garbage(owner: &mut Owner, acts: &[Vec<Act>], wishes: &Wishes) {
    let mut acts = acts.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    let mut next = || acts.next().unwrap_or_default();
    let cache = Cache::open(owner.cache.dir()).unwrap().unwrap();
    let inventory = owner.meanwhile(next(), || cache.inventory().unwrap());
    let images = inventory.images().map(|(entry, _)| entry.location.clone());
    let is_unwanted = |image: &Location| {
        wishes.unwanted.iter().any(|n| *image.name.to_string() == format!("sha256-{n}"))
    };
    let evicted = images.filter(is_unwanted).collect();
    let options = GcOptions { evicted, all: wishes.all, ..GcOptions::default() };
    let lifetimes = cache.lifetimes(&inventory);
    let programs = cache.programs(&inventory, &Mounts::default());
    let evidence = Evidence { lifetimes, programs, ..Evidence::of_idle_cache(Timestamp::now()) };
    let plan = plan::gc(&inventory, &options, &evidence);
    let writes = owner.writes;
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&cache, &plan, &report);
    let waiting = plan.changed_places();
    let mut round = Round { waiting, ..Round::default() };
    for step in STEPS {
        owner.may_return = !matches!(step, Step::RescueLayers | Step::Condemn);
        round = owner.meanwhile(next(), || trash.take(step, round)).unwrap();
    }
    owner.meanwhile(next(), || {
        let progress = Progress::for_items(plan.locations(), StopFlag::new());
        remove(&round.to_remove, &progress, &Budget::new(2, 0), &report, &Surveys::default());
    });
    owner.forget_removed(&plan, report, writes, wishes.all);
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let (unwanted, all) = (btree_set(0..KINDS, 0..KINDS), any::<bool>());
    (unwanted, all).prop_map(|(unwanted, all)| Wishes { unwanted, all })
}

fn act() -> impl Strategy<Value = Act> {
    let (kind, any) = (|| 0..KINDS, || 0..8_usize);
    prop_oneof![
        4 => (kind(), kind()).prop_map(|(reference, image)| Act::Start { reference, image }),
        4 => (kind(), kind()).prop_map(|(reference, image)| Act::Refresh { reference, image }),
        3 => kind().prop_map(|reference| Act::Lose { reference }),
        30 => any().prop_map(|pull| Act::Advance { pull }),
        3 => any().prop_map(|pull| Act::GiveUp { pull }),
        8 => kind().prop_map(|image| Act::FetchForLong { image }),
        1 => kind().prop_map(|reference| Act::FullDisk { reference }),
        8 => kind().prop_map(|image| Act::Age { image }),
        6 => kind().prop_map(|reference| Act::AgeRef { reference }),
        1 => proptest::option::of(kind()).prop_map(|image| Act::LeaveAlone { image }),
    ]
}

fn is_thorough() -> bool {
    std::env::var_os("BBOX_THOROUGH").is_some()
}

/// The number of cases; `.ci/run` asks for many.
fn cases() -> u32 {
    if is_thorough() { 1500 } else { 96 }
}

/// On disk only if there is time: that takes several times as long.
fn cache() -> TestCache {
    if is_thorough() { TestCache::new() } else { TestCache::in_memory() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn every_referenced_image_is_there_and_whole(
        before in vec(act(), 0..60),
        during in vec(vec(act(), 0..8), 11),
        later in vec(vec(act(), 0..6), 11),
        wishes in vec(wishes(), 2),
    ) {
        let begun = Instant::now();
        let mut owner = Owner::new(cache());
        before.iter().for_each(|act| owner.act(*act));
        for (acts, wishes) in [&during, &later].into_iter().zip(&wishes) {
            collect_garbage(&mut owner, acts, wishes);
            // On such a slow machine, an owner may need two seconds from a rename to a mark.
            prop_assume!(begun.elapsed() < Duration::from_secs(2));
            owner.check("after a collection");
        }
        owner.finish_pulls();
        owner.check("after all pulls");
        collect_garbage(&mut owner, &[], &Wishes::default());
        prop_assume!(begun.elapsed() < Duration::from_secs(2));
        owner.check("after the last collection");
        owner.check_older_builds();
    }
}

/// The grace period is over, so only the ref protects the image. It is written in two halves during
/// each of the steps in turn.
#[test]
fn a_ref_that_is_written_at_any_step_before_the_last_look_keeps_its_image() {
    for step in 0..2 + STEPS.len() {
        let mut owner = Owner::new(cache());
        owner.act(Act::Start { reference: 0, image: 0 });
        (0..8).for_each(|_| owner.act(Act::Advance { pull: 0 }));
        owner.act(Act::Refresh { reference: 0, image: 0 });
        (0..2).for_each(|_| owner.act(Act::Advance { pull: 1 }));
        owner.act(Act::FetchForLong { image: 0 });
        let mut acts = vec![Vec::new(); step];
        acts.push(vec![Act::Advance { pull: 1 }]);
        let wishes = Wishes { all: true, ..Wishes::default() };
        collect_garbage(&mut owner, &acts, &wishes);
        owner.check("after a collection");
    }
}
