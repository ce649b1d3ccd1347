//! Pulls in sequence and in parallel, refs that come and go, and which layers are then found.

use std::collections::BTreeSet;
use std::time::Duration;

use bbox_cache::cache::{Cache, Patience};
use bbox_cache::gc;
use bbox_cache::jiff::SignedDuration;
use bbox_cache::plan::{self, Activity, GcOptions, LayerChoice, Plan};
use bbox_cache::sweep::sweep;
use bbox_cache::usage::Progress;
use bbox_cache::{Jobs, StopFlag};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::owner::Owner;
use crate::support::TestCache;
use crate::support::cache::later;
use crate::support::cache::pull::Pull;

/// What a gc of images and layers would do in a few seconds if nothing is recent.
fn plan(cache: &Cache) -> Plan {
    let inventory = cache.inventory().unwrap();
    let mut options = GcOptions::default();
    (options.all, options.keep_recent) = (true, SignedDuration::ZERO);
    options.layers = LayerChoice::Unreferenced;
    let now = later(Duration::from_secs(10));
    let evidence = gc::gather(cache, &inventory, now, Activity::default());
    plan::gc(&inventory, &options, &evidence)
}

fn collect_garbage(owner: &Owner) {
    let cache = Cache::open(owner.cache.dir()).unwrap().unwrap();
    // A child of another test may still have the lock that this process has released.
    let cache = cache.lock(&StopFlag::new(), |_| Patience::Wait).unwrap();
    let plan = plan(&cache);
    let progress = Progress::for_items(plan.locations(), StopFlag::new());
    let (sender, _events) = crossbeam_channel::unbounded();
    sweep(&cache, &plan, Jobs::new(2).unwrap(), &progress, &sender).unwrap();
}

#[test]
fn every_layer_that_only_orphans_use_is_found_and_none_that_a_live_image_uses() {
    for images in [1_usize, 2, 5, 10] {
        let mut owner = Owner::on(TestCache::in_memory());
        let agent = |n: usize| format!("example.com/agent-{}:latest", n % images.div_ceil(2));
        let own = |n: usize| format!("own-{n}");
        // The second half takes over the refs of the first.
        for n in 0..images {
            owner.pull(&agent(n), &format!("i{n}"), &["base", "node", &own(n)]);
        }
        let before = owner.layers();
        let needed = owner.needed();
        collect_garbage(&owner);
        assert_eq!(owner.layers(), needed, "of {before:?}");
        assert_eq!(before.len() - needed.len(), images - images.div_ceil(2));
    }
}

#[test]
fn shared_layers_are_removed_with_the_last_image_that_uses_them() {
    let mut owner = Owner::on(TestCache::in_memory());
    owner.pull("old:1", "old", &["old-base", "a"]);
    owner.pull("old:2", "older", &["old-base", "b"]);
    owner.pull("new:1", "new", &["base", "a"]);
    owner.untag("old:2");
    collect_garbage(&owner);
    let names = |layers: &[&str]| {
        layers.iter().map(|name| format!("sha256-{name}")).collect::<BTreeSet<_>>()
    };
    assert_eq!(owner.layers(), names(&["a", "base", "old-base"]));
    owner.untag("old:1");
    collect_garbage(&owner);
    assert_eq!(owner.layers(), names(&["a", "base"]));
    owner.untag("new:1");
    collect_garbage(&owner);
    assert_eq!(owner.layers(), names(&[]));
}

/// A ref that is removed and written back, as by `--pull=always`, and one that points to an older
/// build.
#[test]
fn a_ref_that_comes_back_keeps_the_layers_of_its_image() {
    let mut owner = Owner::on(TestCache::in_memory());
    owner.pull("a:1", "first", &["base", "one"]);
    owner.pull("a:1", "second", &["base", "two"]);
    owner.tag("a:1", "sha256-first");
    collect_garbage(&owner);
    assert!(owner.layer("sha256-one").exists() && !owner.layer("sha256-two").exists());
    owner.untag("a:1");
    owner.tag("b:1", "sha256-first");
    collect_garbage(&owner);
    assert_eq!(owner.layers(), owner.needed());
    assert_eq!(owner.layers().len(), 2);
}

#[test]
fn a_pull_in_progress_keeps_the_layers_it_has_touched() {
    let mut owner = Owner::on(TestCache::in_memory());
    owner.pull("a:1", "old", &["base", "old"]);
    owner.untag("a:1");
    let mut pull = owner.begin("a:1", "new", &["base", "new"]);
    assert!(pull.advance());
    collect_garbage(&owner);
    assert!(owner.layer("sha256-base").exists() && !owner.layer("sha256-old").exists());
    pull.finish();
    collect_garbage(&owner);
    assert_eq!(owner.layers(), owner.needed());
}

#[derive(Clone, Debug)]
enum Act {
    Begin {
        reference: usize,
        image: usize,
    },
    Advance {
        pull: usize,
    },
    Finish {
        pull: usize,
    },
    Untag {
        reference: usize,
    },
    Retag {
        reference: usize,
        image: usize,
    },
    /// A machine is started from a reference.
    Start {
        reference: usize,
    },
    /// A machine is started from a reference on a full disk.
    FullDisk {
        reference: usize,
    },
    Wait,
    Collect,
}

const REFERENCES: usize = 4;
const IMAGES: usize = 10;

fn act() -> impl Strategy<Value = Act> {
    let (reference, image, any) = (|| 0..REFERENCES, || 0..IMAGES, || 0..8_usize);
    prop_oneof![
        4 => (reference(), image()).prop_map(|(reference, image)| Act::Begin { reference, image }),
        8 => any().prop_map(|pull| Act::Advance { pull }),
        4 => any().prop_map(|pull| Act::Finish { pull }),
        1 => reference().prop_map(|reference| Act::Untag { reference }),
        1 => (reference(), image()).prop_map(|(reference, image)| Act::Retag { reference, image }),
        2 => reference().prop_map(|reference| Act::Start { reference }),
        1 => reference().prop_map(|reference| Act::FullDisk { reference }),
        2 => Just(Act::Wait),
        2 => Just(Act::Collect),
    ]
}

/// Every image has some layers in common with others, and one of its own.
fn layers_of(image: usize) -> Vec<String> {
    let shared = [1, 2, 3, 5].into_iter().filter(|number| image.is_multiple_of(*number));
    shared.map(|number| format!("s{number}")).chain([format!("own{image}")]).collect()
}

fn begin(owner: &mut Owner, reference: usize, image: usize) -> Pull {
    let layers = layers_of(image);
    let layers: Vec<_> = layers.iter().map(String::as_str).collect();
    owner.begin(&format!("r{reference}"), &format!("i{image}"), &layers)
}

fn play(owner: &mut Owner, pulls: &mut Vec<Pull>, act: &Act) {
    let images = owner.images();
    let some_image = |image: usize| images.get(image % images.len().max(1));
    match *act {
        Act::Begin { reference, image } => pulls.push(begin(owner, reference, image)),
        Act::Advance { pull } | Act::Finish { pull } if !pulls.is_empty() => {
            let place = pull % pulls.len();
            let mut goes_on = pulls[place].advance();
            while goes_on && matches!(act, Act::Finish { .. }) {
                goes_on = pulls[place].advance();
            }
            if !goes_on {
                pulls.remove(place);
            }
        }
        Act::Untag { reference } => owner.untag(&format!("r{reference}")),
        Act::Retag { reference, image } => {
            some_image(image)
                .into_iter()
                .for_each(|image| owner.tag(&format!("r{reference}"), image));
        }
        Act::Start { reference } => owner.start(&format!("r{reference}")),
        Act::FullDisk { reference } => owner.start_on_a_full_disk(&format!("r{reference}")),
        Act::Wait => std::thread::sleep(crate::owner::TICK),
        Act::Advance { .. } | Act::Finish { .. } => {}
        // An owner that misses a layer extracts the whole image. Here pulls are finished before
        // that.
        Act::Collect => {
            for mut pull in pulls.drain(..) {
                while pull.advance() {}
            }
            check(owner);
        }
    }
}

fn check(owner: &Owner) {
    let needed = owner.needed();
    let there: BTreeSet<_> = owner.layers().intersection(&needed).cloned().collect();
    collect_garbage(owner);
    let lost: Vec<_> = there.difference(&owner.layers()).cloned().collect();
    assert!(lost.is_empty(), "{lost:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn no_layer_of_a_live_image_is_lost(acts in vec(act(), 0..40)) {
        let (mut owner, mut pulls) = (Owner::on(cache()), Vec::new());
        acts.iter().for_each(|act| play(&mut owner, &mut pulls, act));
        play(&mut owner, &mut pulls, &Act::Collect);
    }
}

/// The number of cases. `.ci/run` asks for many.
fn cases() -> u32 {
    if is_thorough() { 200 } else { 12 }
}

/// On disk if there is time for that, because it takes five times as long.
fn cache() -> TestCache {
    if is_thorough() { TestCache::new() } else { TestCache::in_memory() }
}

fn is_thorough() -> bool {
    std::env::var_os("BBOX_THOROUGH").is_some()
}
