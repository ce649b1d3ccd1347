//! Queries on plans and their items, in tables.

use std::collections::HashSet;

use jiff::Timestamp;

use super::decision::{Decision, Item};
use super::decisions::Plan;
use super::evidence::Evidence;
use super::gc::gc;
use super::on_request::purge;
use super::options::GcOptions;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::timeline::LayerStatus;
use crate::StopFlag;
use crate::cache::{
    Cache, Digest, Entry, EntryKind, EntryName, Folder, InUse, InvalidRef, Inventory, Leftover,
    Location, Ref, RefIndex, RefProblem, UnreadableRef, UsingProcess,
};
use crate::error::Error;
use crate::jobs::Jobs;
use crate::test_cache::TestCache;
use crate::usage::Meter;

fn digest() -> Digest {
    Digest::parse(b"sha256:a").unwrap()
}

fn location(folder: Folder, name: &str) -> Location {
    Location { folder, name: EntryName::new(name).unwrap() }
}

fn entry(folder: Folder, name: &str, kind: EntryKind) -> Item {
    let location = location(folder, name);
    Item::Entry(Entry::used_at(location, kind, Timestamp::MIN))
}

fn image(name: &str) -> Item {
    entry(Folder::Root, name, EntryKind::Image(digest()))
}

fn layer(name: &str) -> Item {
    entry(Folder::Layers, name, EntryKind::Layer(digest()))
}

fn leftover(name: &str, leftover: Leftover) -> Item {
    entry(Folder::Root, name, EntryKind::Leftover(leftover))
}

fn ref_item(name: &str, digest: Option<Digest>) -> Item {
    Item::Ref { location: location(Folder::Refs, name), digest }
}

#[test]
fn an_item_knows_its_kind_and_names() {
    let hash = "0".repeat(64);
    let hidden_ref = format!("tmp-gc-{hash}");
    let other = entry(Folder::Root, "notes", EntryKind::Foreign);
    // Item, name, whether it has a digest, image name, restored name, whether it is an image in its
    // place.
    for (item, name, has_digest, image_name, restored_name, is_in_place) in [
        (image("sha256-a"), "sha256-a", true, Some("sha256-a"), Some("sha256-a"), true),
        (
            leftover("tmp-gc-sha256-a", Leftover::Hidden(digest())),
            "tmp-gc-sha256-a",
            false,
            Some("sha256-a"),
            Some("sha256-a"),
            false,
        ),
        (leftover("tmp-gc-dead-a", Leftover::Dead), "tmp-gc-dead-a", false, None, None, false),
        (leftover("tmp-rootfs-1", Leftover::Extraction), "tmp-rootfs-1", false, None, None, false),
        (layer("sha256-a"), "sha256-a", true, None, None, false),
        (other, "notes", false, None, None, false),
        (ref_item(&hash, Some(digest())), hash.as_str(), true, None, None, false),
        (ref_item(&hidden_ref, Some(digest())), &hidden_ref, true, None, Some(&hash), false),
        (ref_item("r", None), "r", false, None, None, false),
    ] {
        let text = |name: &EntryName| name.to_string();
        assert_eq!(text(&item.location().name), name);
        assert_eq!(item.digest().cloned(), has_digest.then(digest), "{name}");
        assert_eq!(item.image_name().map(text).as_deref(), image_name, "{name}");
        assert_eq!(item.restored_name().as_ref().map(text).as_deref(), restored_name, "{name}");
        assert_eq!(item.is_image_in_place(), is_in_place, "{name}");
        assert_eq!(item.is_layer(), item.location().folder == Folder::Layers, "{name}");
    }
}

fn decision(item: Item, verdict: Verdict) -> Decision {
    let layer_status = item.is_layer().then_some(match verdict {
        Verdict::Keep(KeepReason::Referenced) => LayerStatus::Referenced(1),
        _ => LayerStatus::Unreferenced,
    });
    let (refs, users) = (Vec::new(), Vec::new());
    Decision {
        item,
        verdict,
        refs,
        users,
        mount: None,
        refusal: None,
        layer_status,
        identity: None,
        usage: None,
    }
}

#[test]
fn a_plan_finds_the_requested_items_and_no_others() {
    use KeepReason::{Recent, Referenced, Unknown, Unreferenced};
    use RemoveReason::{Dangling, Orphan, UnreferencedLayer};
    use Verdict::{Keep, Remove, Restore};
    let decisions = vec![
        decision(image("sha256-kept"), Keep(Referenced)),
        decision(image("sha256-orphan"), Remove(Orphan)),
        decision(leftover("tmp-gc-sha256-a", Leftover::Hidden(digest())), Restore(Referenced)),
        decision(leftover("tmp-rootfs-1", Leftover::Extraction), Keep(Recent)),
        decision(entry(Folder::Root, "notes", EntryKind::Foreign), Keep(Unknown)),
        decision(layer("sha256-needed"), Keep(Referenced)),
        decision(layer("sha256-left"), Keep(Unreferenced)),
        decision(layer("sha256-dead"), Remove(UnreferencedLayer)),
        decision(ref_item("r", Some(digest())), Remove(Dangling)),
    ];
    let plan = Plan::new(decisions);
    let text = |location: &Location| location.to_string();
    let names = |items: &mut dyn Iterator<Item = &Location>| items.map(text).collect::<Vec<_>>();

    let to_remove = ["sha256-orphan", "layers/sha256-dead", "refs/r"];
    assert_eq!(names(&mut plan.to_remove().iter()), to_remove);
    assert!(plan.removals().map(|gone| text(gone.item.location())).eq(to_remove));
    assert_eq!(plan.changed_places(), [1, 2, 7, 8]);
    let changes = ["sha256-orphan", "tmp-gc-sha256-a", "layers/sha256-dead", "refs/r"];
    assert_eq!(names(&mut plan.changes().map(|change| change.item.location())), changes);
    assert!(plan.locations().all(|at| plan.get(at).is_some_and(|it| it.item.location() == at)));
    assert!(plan.get(&location(Folder::Root, "sha256-other")).is_none());
    let mut left = plan.left_layers().map(|left| left.item.location());
    assert_eq!(names(&mut left), ["layers/sha256-left"]);
    assert_eq!(names(&mut plan.foreign()), ["notes"]);

    let to_remove = plan.to_remove();
    let besides = plan.entries_besides(&to_remove.iter().collect::<HashSet<_>>());
    let rest = ["sha256-kept", "tmp-gc-sha256-a", "tmp-rootfs-1", "notes"];
    let rest = rest.into_iter().chain(["layers/sha256-needed", "layers/sha256-left"]);
    assert!(rest.eq(names(&mut besides.iter())), "entries, and no refs");
}

#[test]
fn a_purge_takes_everything_and_every_file_in_refs() {
    let (file, digest) = (|name| EntryName::new(name).unwrap(), digest());
    let mut inventory = Inventory::default();
    for item in [image("sha256-a"), entry(Folder::Root, "notes", EntryKind::Foreign)] {
        let Item::Entry(entry) = item else { unreachable!("both are entries") };
        inventory.entries.push(entry);
    }
    let modified = Timestamp::MIN;
    inventory.refs = RefIndex {
        refs: vec![Ref { file: file("valid"), image: None, digest: digest.clone(), modified }],
        invalid: vec![InvalidRef {
            file: file("invalid"),
            problem: RefProblem::Empty,
            modified: None,
        }],
        unreadable: [Some(file("unreadable")), None]
            .map(|file| UnreadableRef { file, error: Error::Interrupted })
            .into(),
    };
    let user = UsingProcess { pid: 7, program: "vm".to_owned(), holds_lease: false };
    let users = InUse::from_list([(location(Folder::Root, "sha256-a"), user.clone())]);
    let idle = Evidence::of_idle_cache(Timestamp::now());
    let plan = purge(&inventory, &Evidence { in_use: Some(users), ..idle });
    let found = plan.decisions().iter().map(|decision| decision.item.location().to_string());
    let all = ["sha256-a", "notes", "refs/valid", "refs/invalid", "refs/unreadable"];
    assert!(found.eq(all));
    let verdict = Verdict::Remove(RemoveReason::Purge);
    assert!(plan.decisions().iter().all(|decision| decision.verdict == verdict));
    assert_eq!(plan.decisions()[0].users, [user]);
    assert_eq!(plan.decisions()[2].item.digest(), Some(&digest));
}

#[test]
fn a_reason_overrides_refs_only_if_the_user_has_asked_for_that() {
    let (chosen, despite) =
        [false, true].map(|despite_lease| RemoveReason::Chosen { despite_lease }).into();
    for (reason, overrides) in [
        (RemoveReason::Orphan, false),
        (RemoveReason::InterruptedGc, false),
        (RemoveReason::UnreferencedLayer, false),
        (RemoveReason::LayerCache, false),
        (RemoveReason::AbandonedTemp, false),
        (RemoveReason::Dangling, false),
        (RemoveReason::Unused, true),
        (RemoveReason::OverMaxSize, true),
        (RemoveReason::BelowMinFree, true),
        (chosen, true),
        (despite, true),
        (RemoveReason::Purge, false),
    ] {
        assert_eq!(reason.overrides_refs(), overrides, "{reason:?}");
        assert_eq!(Verdict::Remove(reason).overrides_refs(), overrides, "{reason:?}");
    }
    assert!(!Verdict::Keep(KeepReason::Referenced).overrides_refs());
    assert!(!Verdict::Restore(KeepReason::Referenced).overrides_refs());
}

#[test]
fn removed_items_get_their_sizes_and_a_total() {
    let cache = TestCache::in_memory();
    for name in ["a", "b", "c"] {
        cache.image(name);
    }
    cache.tag("example.com/b:1", "b");
    let opened = Cache::open(cache.dir()).unwrap().unwrap();
    let inventory = opened.inventory().unwrap();
    let lifetimes = opened.lifetimes(&inventory);
    let evidence = Evidence { lifetimes, ..Evidence::of_idle_cache(Timestamp::now()) };
    let options = GcOptions { all: true, ..GcOptions::default() };
    let mut plan = gc(&inventory, &options, &evidence);
    // Items that are kept are measured, too, but not noted in the plan.
    let (gone, kept) = (plan.to_remove(), plan.decisions()[1].item.location().clone());
    let trees = [&gone[..], &[kept]].concat();
    let meter = Meter::new(Jobs::default());
    let found = meter.measure(&opened, &trees, &StopFlag::new(), &mut |_| {}).unwrap();
    plan.note_usage(&found);
    let usages: Vec<_> = plan.decisions().iter().map(|decision| decision.usage).collect();
    assert_eq!(usages, [found.usage(&gone[0]), None, found.usage(&gone[1])]);
}
