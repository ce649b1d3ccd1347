//! Histories of pulls and collections, played on a simulated clock.
//!
//! The simulated owner acts step by step like the real one. Many pulls run at once. Each makes its
//! rootfs, extracts or touches its layers, touches and applies them, renames the rootfs, touches
//! it, and writes the ref and the config. A pull that finds its digest touches that image and
//! writes the ref much later. A ref is rewritten at each start, dropped before the registry is
//! asked, and may be written back. A full disk empties it. Pulls are killed. Anything unused for a
//! week is evicted at the next start, even `layers` as a whole. Births come from the coarse clock
//! of the kernel, touches from the fine one. The simulation records which layers were really used
//! for which image.
//!
//! The law: a layer judged unreferenced was used for nothing that is kept. The tests count how
//! often an unneeded layer is not recognised as such; `docs/layers.md` has the figures.

mod world;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use world::{Tally, World};

/// The number of references and layers.
const REFERENCES: usize = 5;
const LAYERS: u8 = 8;
#[derive(Clone, Debug)]
enum Act {
    /// Starts a reference, and drops its ref to ask the registry. There, its image consists of
    /// these layers.
    Pull {
        reference: usize,
        layers: BTreeSet<u8>,
    },
    /// Runs a pull from beginning to end, one step per second.
    PullAlone {
        reference: usize,
        layers: BTreeSet<u8>,
    },
    /// Advances one of the pulls by a step.
    Advance {
        pull: usize,
    },
    /// Kills one of the pulls.
    Kill {
        pull: usize,
    },
    /// Drops a ref, for a while or for ever.
    Untag {
        reference: usize,
    },
    Retag {
        reference: usize,
        image: usize,
    },
    /// Starts a reference without asking the registry.
    Start {
        reference: usize,
    },
    /// Empties a ref, as a start on a full disk does.
    FullDisk {
        reference: usize,
    },
    /// Lets idle days pass.
    Days,
    /// Collects everything that may be removed.
    Collect,
}

/// `together`: how many pulls in a hundred run at the same time as others.
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

/// Events, each with the time since the previous one: from nanoseconds to hours.
fn history(together: u32) -> impl Strategy<Value = Vec<(Act, i64)>> {
    let passed = (0..13_u32, 1..100_i64).prop_map(|(power, factor)| factor * 2_i64.pow(power * 3));
    vec((act(together), passed), 0..250)
}

/// Plays a history from beginning to end. The clock may be set back once, before one of the events.
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
    fn an_unreferenced_layer_was_used_for_nothing_that_is_kept(history in history(50)) {
        prop_assert_eq!(play(&history, None).tally.wrong, 0);
    }
}

fn is_thorough() -> bool {
    std::env::var_os("BBOX_THOROUGH").is_some()
}

/// The number of cases; `.ci/run` asks for many.
fn cases() -> u32 {
    if is_thorough() { 20_000 } else { 256 }
}

/// The combined counts of many histories, always the same ones. In each, the clock may be set back
/// once.
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
