//! What a limit spends, in a table, and that it spends no more than necessary.

use std::collections::HashSet;

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::decisions::Plan;
use super::evidence::Evidence;
use super::gc::Spending;
use super::options::{GcOptions, LayerChoice};
use super::reason::{RemoveReason, Verdict};
use super::spending::spend;
use super::target::Target;
use crate::cache::{
    ConfigTimes, Digest, Entry, EntryKind, EntryName, Folder, ImageTimes, InUse, Inventory,
    LayerTimes, Leases, Location, Ref, UsingProcess,
};
use crate::usage::Usage;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn location(name: &str) -> Location {
    let folder = if name.starts_with("layer") { Folder::Layers } else { Folder::Root };
    Location { folder, name: EntryName::new(format!("sha256-{name}")).unwrap() }
}

struct Scene {
    inventory: Inventory,
    options: GcOptions,
    evidence: Evidence,
}

/// A day after the last pull: two images with references and an orphan, all made from 1000 to 1100;
/// the layers that they may use, and two layers that only a missing image needed.
fn usual() -> Scene {
    let evidence = Evidence::of_idle_cache(at(100_000));
    let (inventory, options) =
        (Inventory::default(), GcOptions { all: true, ..GcOptions::default() });
    let mut scene = Scene { inventory, options, evidence };
    scene.evidence.lifetimes.folders =
        [(Folder::Root, at(99_000)), (Folder::Layers, at(99_000))].into();
    for (name, last_used, is_named) in
        [("new", 9000, true), ("old", 8000, true), ("orphan", 8500, false)]
    {
        scene.image(name, last_used, is_named);
    }
    for (name, born, last_used) in [
        ("layer-dead-2", 100, 300),
        ("layer-dead-1", 100, 200),
        ("layer-2", 900, 1060),
        ("layer-1", 900, 1050),
    ] {
        let times = LayerTimes { born: Some(at(born)), filled: Some(at(born)) };
        scene.evidence.lifetimes.layers.insert(location(name), times);
        scene.add(name, EntryKind::Layer, last_used);
    }
    scene
}

impl Scene {
    fn add(&mut self, name: &str, kind: fn(Digest) -> EntryKind, last_used: i64) {
        let location = location(name);
        let kind = kind(Digest::of_entry(&location.name).unwrap());
        self.inventory.entries.push(Entry::used_at(location, kind, at(last_used)));
    }

    fn image(&mut self, name: &str, last_used: i64, is_named: bool) {
        let config = Some(ConfigTimes { born: Some(at(1100)), modified: at(1100) });
        let times = ImageTimes { born: Some(at(1000)), config };
        self.evidence.lifetimes.images.insert(location(name), times);
        self.add(name, EntryKind::Image, last_used);
        if is_named {
            let digest = Digest::of_entry(&location(name).name).unwrap();
            let file = EntryName::new(name).unwrap();
            self.inventory.refs.refs.push(Ref { file, image: None, digest, modified: at(1100) });
        }
    }

    fn use_by_process(&mut self, name: &str) {
        let user = UsingProcess { pid: 1, program: "sleep".to_owned(), holds_lease: false };
        self.evidence.in_use = Some(InUse::from_list([(location(name), user)]));
    }

    fn order(&self) -> Vec<String> {
        let spending = Spending::new(&self.inventory, &self.options, &self.evidence);
        spending.order.iter().map(|at| at.name.to_string().replace("sha256-", "")).collect()
    }
}

#[test]
fn the_least_valuable_items_are_spent_first() {
    const DEAD: [&str; 2] = ["layer-dead-1", "layer-dead-2"];
    const LAYERS: [&str; 2] = ["layer-1", "layer-2"];
    const IMAGES: [&str; 2] = ["old", "new"];
    type Change = fn(&mut Scene);
    let cases: [(&str, Change, Vec<&str>); 10] = [
        ("by default", |_| {}, [DEAD, LAYERS, IMAGES].concat()),
        (
            "unreferenced layers are removed anyway",
            |scene| scene.options.layers = LayerChoice::Unreferenced,
            [LAYERS, IMAGES].concat(),
        ),
        (
            "all layers are removed anyway",
            |scene| scene.options.layers = LayerChoice::All,
            IMAGES.to_vec(),
        ),
        (
            "no question was possible",
            |scene| scene.options.keep_wanted = true,
            [DEAD, LAYERS].concat(),
        ),
        (
            "an image is leased",
            |scene| scene.evidence.leases = Leases::from_iter([location("old").name]),
            [&DEAD[..], &LAYERS, &["new"]].concat(),
        ),
        (
            "an image is in use",
            |scene| scene.use_by_process("new"),
            [&DEAD[..], &LAYERS, &["old"]].concat(),
        ),
        (
            "a layer is in use",
            |scene| scene.use_by_process("layer-dead-1"),
            [&["layer-dead-2"], &LAYERS[..], &IMAGES].concat(),
        ),
        (
            "an image was used just now",
            |scene| scene.evidence.now = at(9100),
            [&DEAD[..], &LAYERS, &["old"]].concat(),
        ),
        (
            "an image is removed anyway",
            |scene| scene.options.unused_for = Some(SignedDuration::from_secs(100_000 - 8000)),
            [&DEAD[..], &LAYERS, &["new"]].concat(),
        ),
        (
            "an orphan is unreplaced",
            |scene| {
                scene.options.all = false;
                scene.evidence.programs = Default::default();
            },
            [&DEAD[..], &LAYERS, &["old", "orphan", "new"]].concat(),
        ),
    ];
    for (case, change, expected) in cases {
        let mut scene = usual();
        change(&mut scene);
        assert_eq!(scene.order(), expected, "{case}");
    }
}

#[test]
fn layers_keep_their_own_reason_and_images_get_the_limit() {
    use RemoveReason::{LayerCache, Orphan, OverMaxSize, UnreferencedLayer};
    let scene = usual();
    let spending = Spending::new(&scene.inventory, &scene.options, &scene.evidence);
    for (spent, expected) in [
        (0, vec![("orphan", Orphan)]),
        (
            3,
            vec![
                ("orphan", Orphan),
                ("layer-dead-2", UnreferencedLayer),
                ("layer-dead-1", UnreferencedLayer),
                ("layer-1", LayerCache),
            ],
        ),
        (
            6,
            vec![
                ("new", OverMaxSize),
                ("old", OverMaxSize),
                ("orphan", Orphan),
                ("layer-dead-2", UnreferencedLayer),
                ("layer-dead-1", UnreferencedLayer),
                ("layer-2", UnreferencedLayer),
                ("layer-1", UnreferencedLayer),
            ],
        ),
    ] {
        let plan = spending.plan(&spending.order[..spent].iter().cloned().collect());
        let removals =
            plan.removals().filter(|removal| removal.item.location().folder != Folder::Refs);
        let found = removals.map(|removal| (removal.item.location().clone(), removal.verdict));
        let expected =
            expected.into_iter().map(|(name, why)| (location(name), Verdict::Remove(why)));
        assert!(found.eq(expected), "{spent}");
    }
}

/// The usual plan, spending everything for a target. Each item takes 10 bytes.
fn aiming_at(available: u64) -> Plan {
    let scene = usual();
    let spending = Spending::new(&scene.inventory, &scene.options, &scene.evidence);
    let spent = spending.order.iter().cloned().collect();
    let nothing = spending.plan(&HashSet::new());
    let stays = spending.order.iter().map(|at| nothing.get(at).unwrap().clone()).collect();
    let [available, predicted] = [available, 1000].map(ByteSize::b);
    let mut plan = spending.plan(&spent).aiming_at(Target::new(available, predicted, stays));
    for at in plan.to_remove() {
        plan.note_removed(&at, Usage::from_directory(ByteSize::b(10)));
    }
    plan
}

fn removed(plan: &Plan) -> Vec<String> {
    let names = plan.removals().map(|removal| removal.item.location().to_string());
    names.map(|name| name.replace("sha256-", "")).collect()
}

#[test]
fn a_target_is_approached_in_parts() {
    let plan = aiming_at(100);
    let parts =
        [plan.first_part(), plan.later_part(0..2), plan.later_part(2..5), plan.later_part(5..6)];
    let [first, dead, live, last] = parts.each_ref().map(removed);
    assert_eq!(first, ["orphan"]);
    assert_eq!(dead, ["layers/layer-dead-2", "layers/layer-dead-1"]);
    assert_eq!(
        live,
        ["old", "layers/layer-2", "layers/layer-1", "refs/old"],
        "a ref is removed with its image"
    );
    assert_eq!(last, ["new", "refs/new"]);
    assert_eq!(first.len() + dead.len() + live.len() + last.len(), removed(&plan).len());
    for part in parts {
        assert!(part.locations().eq(plan.locations()), "all have their places");
    }
}

#[test]
fn items_not_needed_for_a_target_are_kept_as_if_there_were_none() {
    let scene = usual();
    let nothing =
        Spending::new(&scene.inventory, &scene.options, &scene.evidence).plan(&HashSet::new());
    let plan = aiming_at(100);
    let ended = plan.ending_after(0);
    let verdicts =
        |plan: &Plan| plan.decisions().iter().map(|found| found.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(&ended), verdicts(&nothing));
    assert!(ended.locations().eq(nothing.locations()));
    assert_eq!(removed(&plan.ending_after(1)), ["orphan", "layers/layer-dead-1"]);
    assert_eq!(removed(&plan.ending_after(6)), removed(&plan));
    // The user can agree to an image, not to a layer.
    let agreed = plan.taking_only(&HashSet::from([location("new")]));
    assert!(!removed(&agreed).iter().any(|name| name.ends_with("old")));
    assert_eq!(removed(&agreed).len(), removed(&plan).len() - 2);
    assert_eq!(agreed.next_turns(4, ByteSize::b(0)), Some(4..5), "only the agreed image is left");
}

#[test]
fn the_next_part_covers_the_missing_bytes_and_no_more() {
    let plan = aiming_at(100);
    for (first, available, expected) in [
        (0, 100, None),
        (0, 200, None),
        (0, 99, Some(0..1)),
        (0, 90, Some(0..1)),
        (0, 89, Some(0..2)),
        (2, 60, Some(2..6)),
        (2, 0, Some(2..6)),
        (5, 0, Some(5..6)),
        (6, 0, None),
    ] {
        assert_eq!(plan.next_turns(first, ByteSize::b(available)), expected, "{first} {available}");
    }
}

proptest! {
    #[test]
    fn nothing_is_spent_that_need_not_be(sizes in vec(0..10u64, 0..20), wanted in 0..100u64) {
        let order: Vec<_> = (0..sizes.len()).map(|number| location(&number.to_string())).collect();
        let is_enough = |spent: &HashSet<Location>| {
            let spent = order.iter().zip(&sizes).filter(|(at, _)| spent.contains(at));
            spent.map(|(_, size)| size).sum::<u64>() >= wanted
        };
        let spent = spend(&order, is_enough);
        prop_assert!(order[..spent.len()].iter().all(|at| spent.contains(at)));
        let one_less: HashSet<_> = order[..spent.len().saturating_sub(1)].iter().cloned().collect();
        prop_assert!(spent.is_empty() || !is_enough(&one_less));
        prop_assert!(is_enough(&spent) || spent.len() == order.len());
    }
}
