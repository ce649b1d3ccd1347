//! Histories of pulls and collections, played on a clock of their own.
//!
//! The owner is played step by step as it is: many pulls at once, each makes its rootfs, extracts or
//! touches its layers, touches and applies them, renames the rootfs, touches it, writes the ref and the
//! config; one that finds its digest touches that image and writes the ref much later. A ref is
//! rewritten at each start, taken away before the registry is asked, and given back or not; a full disk
//! empties it; pulls are killed; what was not used for a week is evicted at the next start, be it
//! `layers` as a whole. Births come from the coarse clock of the kernel, touches from the fine one.
//! What was really used for what is kept beside it.
//!
//! The law: a layer that is called unreferenced was used for nothing that stays. How often a layer
//! that nothing needs is not called so is counted; `docs/layers.md` has the figures.

mod world;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use world::{Tally, World};

/// How many references and layers there are.
const REFERENCES: usize = 5;
const LAYERS: u8 = 8;
#[derive(Clone, Debug)]
enum Act {
    /// Somebody starts a reference, and the ref goes before the registry is asked: there its image is
    /// made of these layers.
    Pull {
        reference: usize,
        layers: BTreeSet<u8>,
    },
    /// The same from beginning to end, a step a second.
    PullAlone {
        reference: usize,
        layers: BTreeSet<u8>,
    },
    /// One of the pulls takes its next step.
    Advance {
        pull: usize,
    },
    /// One of the pulls is killed.
    Kill {
        pull: usize,
    },
    /// A ref goes, for a while or for ever; or names another image that is there.
    Untag {
        reference: usize,
    },
    Retag {
        reference: usize,
        image: usize,
    },
    /// A reference is started, and the registry not asked.
    Start {
        reference: usize,
    },
    /// The same on a full disk.
    FullDisk {
        reference: usize,
    },
    /// Days pass in which nobody does anything.
    Days,
    /// Everything is collected that may go.
    Collect,
}

/// `together` says how many pulls in a hundred are at work while others are.
fn act(together: u32) -> impl Strategy<Value = Act> {
    let (reference, any) = (|| 0..REFERENCES, || 0..16_usize);
    let layers = || proptest::collection::btree_set(0..LAYERS, 1..5);
    let pull = (reference(), layers(), 0..100_u32).prop_map(move |(reference, layers, chance)| {
        if chance < together {
            Act::Pull { reference, layers }
        } else {
            Act::PullAlone { reference, layers }
        }
    });
    prop_oneof![
        16 => pull,
        160 => any().prop_map(|pull| Act::Advance { pull }),
        4 => any().prop_map(|pull| Act::Kill { pull }),
        4 => reference().prop_map(|reference| Act::Untag { reference }),
        4 => (reference(), any()).prop_map(|(reference, image)| Act::Retag { reference, image }),
        8 => reference().prop_map(|reference| Act::Start { reference }),
        1 => reference().prop_map(|reference| Act::FullDisk { reference }),
        1 => Just(Act::Days),
        8 => Just(Act::Collect),
    ]
}

/// Acts, each with the time that has passed before it: a microsecond, or an hour.
fn history(together: u32) -> impl Strategy<Value = Vec<(Act, i64)>> {
    let passed = (0..13_u32, 1..100_i64).prop_map(|(power, factor)| factor * 2_i64.pow(power * 3));
    vec((act(together), passed), 0..250)
}

/// Plays a history from the first act to the last. Before one of them, the clock may be set back.
fn play(history: &[(Act, i64)], jump: Option<(usize, i64)>) -> World {
    let mut world = World::new(1_000_000_000_000_000);
    for (number, (act, passed)) in history.iter().enumerate() {
        let back = jump.filter(|(before, _)| *before == number).map_or(0, |(_, by)| by);
        world.clock += passed - back;
        world.act(act);
    }
    world.clock += 1;
    world.collect();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn what_is_called_unreferenced_was_used_for_nothing_that_stays(history in history(50)) {
        prop_assert_eq!(play(&history, None).tally.wrong, 0);
    }
}

fn is_thorough() -> bool {
    std::env::var_os("BBOX_THOROUGH").is_some()
}

/// The number of cases: `.ci/run` asks for many.
fn cases() -> u32 {
    if is_thorough() { 20_000 } else { 256 }
}

/// What many histories have come to, the same each time; in each, the clock may be set back once.
fn tally(together: u32, is_set_back: bool) -> Tally {
    let mut runner = TestRunner::deterministic();
    let mut sum = Tally::default();
    for _ in 0..if is_thorough() { 300 } else { 60 } {
        let history = history(together).new_tree(&mut runner).unwrap().current();
        let jump = (any::<prop::sample::Index>(), 1..10_000_000_000_000_i64);
        let (act, by) = jump.new_tree(&mut runner).unwrap().current();
        let jump = is_set_back.then(|| (act.index(history.len().max(1)), by));
        let Tally { found, referenced, unknown, wrong, kept } = play(&history, jump).tally;
        sum.found += found;
        sum.referenced += referenced;
        sum.unknown += unknown;
        sum.wrong += wrong;
        sum.kept += kept;
    }
    sum
}

/// The figures of `docs/layers.md`: `BBOX_THOROUGH=1 cargo test --lib how_often -- --nocapture`.
#[test]
#[allow(clippy::print_stderr, reason = "the figures are there to be read")]
fn how_often_the_verdict_is_too_careful_and_how_often_a_clock_deceives_it() {
    let kinds = [
        ("one at a time", 0, false),
        ("one in ten together", 10, false),
        ("all together", 100, false),
        ("set back", 10, true),
    ];
    for (kind, together, is_set_back) in kinds {
        let found = tally(together, is_set_back);
        eprintln!("{kind}: {found:?}");
        let most = if is_set_back { found.kept / 100 } else { 0 };
        assert!(found.wrong <= most && found.found > 0, "{kind}: {found:?}");
    }
}
