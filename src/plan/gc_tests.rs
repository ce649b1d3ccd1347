//! The rules of a collection, in tables.

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Activity, Evidence};
use super::gc::gc;
use super::on_request::rm;
use super::options::{GcOptions, LayerChoice};
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::timeline::LayerStatus;
use crate::cache::{
    ConfigTimes, Digest, Entry, EntryKind, EntryName, Folder, ImageTimes, InUse, Inventory, Leases,
    Leftover, Location, Ref, UnreadableRef, UsingProcess,
};
use crate::error::Error;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Removes every orphan that nothing needs; replaced orphans are tested elsewhere.
fn every_orphan() -> GcOptions {
    GcOptions { all: true, ..GcOptions::default() }
}

fn idle(second: i64) -> Evidence {
    Evidence::of_idle_cache(at(second))
}

fn entry(name: &str) -> Entry {
    let location = Location { folder: Folder::Root, name: EntryName::new(name).unwrap() };
    let digest = Digest::parse(b"sha256:a").unwrap();
    let kind = match name {
        "sha256-a" => EntryKind::Image(digest),
        // Whatever its number.
        _ => EntryKind::Leftover(Leftover::Hidden(digest)),
    };
    Entry::used_at(location, kind, at(1000))
}

fn inventory(entries: &[&str], is_named: bool, is_readable: bool) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.entries.extend(entries.iter().map(|name| entry(name)));
    if is_named {
        let digest = Digest::parse(b"sha256:a").unwrap();
        let file = EntryName::new("r").unwrap();
        inventory.refs.refs.push(Ref { file, image: None, digest, modified: at(1000) });
    }
    if !is_readable {
        let error = Error::Interrupted;
        inventory.refs.unreadable.push(UnreadableRef { file: None, error });
    }
    inventory
}

#[test]
fn an_image_is_removed_only_if_it_certainly_lost_its_ref_for_good() {
    for (second, is_named, is_readable, reason) in [
        (5000, false, true, "orphan"),
        (5000, true, true, "referenced"),
        (5000, true, false, "referenced"),
        (5000, false, false, "unknown"),
        (1001, false, true, "recent"),
        (1001, true, true, "referenced"),
        (999, false, true, "recent"),
        (500, false, true, "recent"),
        (1599, false, true, "recent"),
        (1600, false, true, "orphan"),
    ] {
        let inventory = inventory(&["sha256-a"], is_named, is_readable);
        let plan = gc(&inventory, &every_orphan(), &idle(second));
        let found = plan.decisions()[0].verdict.reason();
        assert_eq!(found, reason, "{second} {is_named} {is_readable}");
    }
}

#[test]
fn an_image_used_recently_or_in_the_future_is_kept() {
    for (second, kept_seconds, reason) in [
        (5000, 4000, "orphan"),
        (4999, 4000, "recent"),
        (5000, 0, "orphan"),
        (500, 1, "recent"),
        (500, 0, "orphan"),
    ] {
        let keep_recent = SignedDuration::from_secs(kept_seconds);
        let options = GcOptions { keep_recent, ..every_orphan() };
        let plan = gc(&inventory(&["sha256-a"], false, true), &options, &idle(second));
        assert_eq!(plan.decisions()[0].verdict.reason(), reason, "{second} {kept_seconds}");
    }
}

/// A pull renames an image into place, marks it and writes its config last, without waiting in
/// between.
#[test]
fn an_image_without_a_config_is_arriving_for_two_seconds_after_its_rename() {
    for (has_config, changed, reason) in [
        (false, 4999, "recent"),
        (false, 5001, "recent"),
        (false, 4998, "orphan"),
        (false, 5002, "orphan"),
        (true, 4999, "orphan"),
    ] {
        let mut inventory = inventory(&["sha256-a"], false, true);
        inventory.entries[0].changed = at(changed);
        let config = ConfigTimes { born: None, modified: at(1000) };
        let times = ImageTimes { born: None, config: has_config.then_some(config) };
        let mut evidence = idle(5000);
        evidence.lifetimes.images.insert(entry("sha256-a").location, times);
        let options = GcOptions { keep_recent: SignedDuration::ZERO, ..every_orphan() };
        let plan = gc(&inventory, &options, &evidence);
        assert_eq!(plan.decisions()[0].verdict.reason(), reason, "{has_config} {changed}");
    }
}

#[test]
fn a_leased_or_used_image_is_kept() {
    let image = entry("sha256-a").location;
    for (is_leased, is_used, expected) in [
        (true, false, Verdict::Keep(KeepReason::Leased)),
        (false, true, Verdict::Keep(KeepReason::InUse)),
        (true, true, Verdict::Keep(KeepReason::Leased)),
        (false, false, Verdict::Remove(RemoveReason::Orphan)),
    ] {
        let leases = Leases::from_iter(is_leased.then(|| image.name.clone()));
        let users = InUse::from_list(is_used.then(|| (image.clone(), user())));
        let evidence = Evidence { leases, in_use: Some(users), ..idle(5000) };
        let plan = gc(&inventory(&["sha256-a"], false, true), &every_orphan(), &evidence);
        assert_eq!(plan.decisions()[0].verdict, expected);
        assert_eq!(plan.decisions()[0].users.len(), usize::from(is_used));
    }
}

fn user() -> UsingProcess {
    UsingProcess { pid: 7, program: "vm".to_owned(), holds_lease: false }
}

/// A process started with the image's former path uses it, and so does one inside the hidden tree.
#[test]
fn a_hidden_image_that_is_in_use_comes_back_or_at_least_stays() {
    let hidden = "tmp-gc-sha256-a";
    for (entries, used, expected) in [
        (&[hidden][..], hidden, Verdict::Restore(KeepReason::InUse)),
        (&[hidden], "sha256-a", Verdict::Restore(KeepReason::InUse)),
        (&[hidden, "sha256-a"], hidden, Verdict::Keep(KeepReason::InUse)),
        (&[hidden, "sha256-a"], "sha256-a", Verdict::Remove(RemoveReason::InterruptedGc)),
    ] {
        let users = InUse::from_list([(entry(used).location, user())]);
        let evidence = Evidence { in_use: Some(users), ..idle(5000) };
        let plan = gc(&inventory(entries, false, true), &every_orphan(), &evidence);
        assert_eq!(plan.decisions()[0].verdict, expected, "{entries:?} {used}");
        // The image that the ref points at is then the one in its place.
        let plan = gc(&inventory(entries, true, true), &every_orphan(), &evidence);
        let stays = !plan.decisions()[0].verdict.removes();
        assert_eq!(stays, !expected.removes(), "{entries:?} {used}, named");
    }
    // A different image does not count as in its place.
    let mut two = inventory(&[hidden], false, true);
    let name = EntryName::new("sha256-b").unwrap();
    let kind = EntryKind::Image(Digest::of_entry(&name).unwrap());
    let location = Location { folder: Folder::Root, name };
    two.entries.push(Entry::used_at(location, kind, at(1000)));
    let users = InUse::from_list([(entry("sha256-a").location, user())]);
    let evidence = Evidence { in_use: Some(users), ..idle(5000) };
    let plan = gc(&two, &every_orphan(), &evidence);
    assert_eq!(plan.decisions()[0].verdict, Verdict::Restore(KeepReason::InUse));
    let keep_recent = SignedDuration::from_secs(4001);
    let options = GcOptions { keep_recent, ..every_orphan() };
    let plan = gc(&inventory(&[hidden], false, true), &options, &idle(5000));
    assert_eq!(plan.decisions()[0].verdict, Verdict::Restore(KeepReason::Recent));
}

#[test]
fn a_hidden_image_comes_back_only_if_it_is_named_and_not_there_again() {
    let hidden = "tmp-gc-sha256-a";
    for (entries, is_named, is_readable, expected) in [
        (&[hidden][..], true, true, Verdict::Restore(KeepReason::Referenced)),
        (&[hidden], true, false, Verdict::Restore(KeepReason::Referenced)),
        (&[hidden], false, true, Verdict::Remove(RemoveReason::InterruptedGc)),
        (&[hidden], false, false, Verdict::Keep(KeepReason::Unknown)),
        (&[hidden, "sha256-a"], true, true, Verdict::Remove(RemoveReason::InterruptedGc)),
    ] {
        let inventory = inventory(entries, is_named, is_readable);
        let plan = gc(&inventory, &every_orphan(), &idle(5000));
        assert_eq!(plan.decisions()[0].verdict, expected, "{entries:?} {is_named}");
    }
    let two = inventory(&[hidden, "tmp-gc-1-sha256-a"], true, true);
    let plan = gc(&two, &every_orphan(), &idle(5000));
    let removed: Vec<_> = plan.to_remove().iter().map(ToString::to_string).collect();
    assert_eq!(removed, ["tmp-gc-1-sha256-a"]);
}

fn extraction() -> Entry {
    let location = Location { folder: Folder::Root, name: EntryName::new("tmp-rootfs-1").unwrap() };
    let kind = EntryKind::Leftover(Leftover::Extraction);
    Entry::used_at(location, kind, at(1000))
}

#[test]
fn an_extraction_is_abandoned_once_nothing_in_it_has_changed_for_long_enough() {
    let (remove, day) = (Verdict::Remove(RemoveReason::AbandonedTemp), 24 * 3600);
    for (changed, is_used, verdict) in [
        (Some(1000), false, remove),
        (Some(1001), false, Verdict::Keep(KeepReason::Recent)),
        (Some(9_000_000), false, Verdict::Keep(KeepReason::Recent)),
        (Some(1000), true, Verdict::Keep(KeepReason::InUse)),
        (None, false, Verdict::Keep(KeepReason::Unknown)),
    ] {
        let inventory = Inventory { entries: vec![extraction()], ..Inventory::default() };
        let location = extraction().location;
        let activity = Activity::new(&[(location.clone(), changed.map(at))]);
        let users = InUse::from_list(is_used.then(|| (location.clone(), user())));
        let evidence = Evidence { activity, in_use: Some(users), ..idle(1000 + day) };
        let plan = gc(&inventory, &every_orphan(), &evidence);
        assert_eq!(plan.decisions()[0].verdict, verdict, "{changed:?} {is_used}");
        // Whatever its time, even in the future, as long as that is known and the extraction is not
        // in use.
        let options = GcOptions { temp_age: SignedDuration::ZERO, ..every_orphan() };
        let goes = gc(&inventory, &options, &evidence).decisions()[0].verdict.removes();
        assert_eq!(goes, changed.is_some() && !is_used, "{changed:?} {is_used}");
    }
}

#[test]
fn an_unneeded_unused_layer_is_removed_on_request() {
    let location = Location { folder: Folder::Layers, name: EntryName::new("sha256-l").unwrap() };
    for (layers, is_used, verdict) in [
        (LayerChoice::None, false, Verdict::Keep(KeepReason::Unreferenced)),
        (LayerChoice::Unreferenced, false, Verdict::Remove(RemoveReason::UnreferencedLayer)),
        (LayerChoice::Unreferenced, true, Verdict::Keep(KeepReason::InUse)),
    ] {
        let kind = EntryKind::Layer(Digest::of_entry(&location.name).unwrap());
        let entries = vec![Entry::used_at(location.clone(), kind, at(1000))];
        let inventory = Inventory { entries, ..Inventory::default() };
        let users = InUse::from_list(is_used.then(|| (location.clone(), user())));
        let options = GcOptions { layers, ..every_orphan() };
        let plan = gc(&inventory, &options, &Evidence { in_use: Some(users), ..idle(5000) });
        assert_eq!(plan.decisions().len(), 1);
        assert_eq!(plan.decisions()[0].verdict, verdict, "{layers:?} {is_used}");
        assert_eq!(plan.decisions()[0].layer_status, Some(LayerStatus::Unreferenced));
    }
}

#[test]
fn a_dangling_ref_goes_once_it_is_older_than_a_minute() {
    for (second, verdict) in [
        (1061, Verdict::Remove(RemoveReason::Dangling)),
        (1060, Verdict::Keep(KeepReason::Recent)),
        (900, Verdict::Keep(KeepReason::Recent)),
    ] {
        let mut inventory = inventory(&[], true, true);
        inventory.refs.refs[0].image = Some("a:1".to_owned());
        let plan = gc(&inventory, &every_orphan(), &idle(second));
        assert_eq!(plan.decisions()[0].verdict, verdict, "{second}");
        assert_eq!(plan.decisions()[0].refs, [Some("a:1".to_owned())]);
    }
}

#[test]
fn an_unwanted_image_is_removed_with_its_refs_unless_it_is_needed() {
    use KeepReason::{Leased, Recent, Referenced};
    use RemoveReason::{OverMaxSize, Unused};
    use Verdict::{Keep, Remove};
    let image = entry("sha256-a").location;
    for (unused_for, is_evicted, is_leased, is_used, expected) in [
        (None, false, false, false, Keep(Referenced)),
        (Some(4001), false, false, false, Keep(Referenced)),
        (Some(4000), false, false, false, Remove(Unused)),
        (Some(4000), true, false, false, Remove(Unused)),
        (None, true, false, false, Remove(OverMaxSize)),
        (None, true, true, false, Keep(Leased)),
        (Some(0), false, false, true, Keep(KeepReason::InUse)),
    ] {
        let options = GcOptions {
            unused_for: unused_for.map(SignedDuration::from_secs),
            evicted: is_evicted.then(|| image.clone()).into_iter().collect(),
            ..every_orphan()
        };
        let evidence = Evidence {
            leases: Leases::from_iter(is_leased.then(|| image.name.clone())),
            in_use: Some(InUse::from_list(is_used.then(|| (image.clone(), user())))),
            ..idle(5000)
        };
        let plan = gc(&inventory(&["sha256-a"], true, true), &options, &evidence);
        let verdicts: Vec<_> = plan.decisions().iter().map(|decision| decision.verdict).collect();
        if expected.removes() {
            assert_eq!(verdicts, [expected, expected])
        } else {
            assert_eq!(verdicts, [expected])
        }
    }
    // Its refs are removed with it, even if there is another copy left from an interrupted gc.
    let evicted = [image.clone()].into();
    let options = GcOptions { evicted, ..every_orphan() };
    let both = inventory(&["sha256-a", "tmp-gc-sha256-a"], true, true);
    let plan = gc(&both, &options, &idle(5000));
    let verdicts: Vec<_> = plan.decisions().iter().map(|decision| decision.verdict).collect();
    let copy = Remove(RemoveReason::InterruptedGc);
    assert_eq!(verdicts, [Remove(OverMaxSize), copy, Remove(OverMaxSize)]);
    let evicted = [image].into();
    let options = GcOptions { evicted, ..every_orphan() };
    let plan = gc(&inventory(&["sha256-a"], true, true), &options, &idle(1001));
    assert_eq!(plan.decisions()[0].verdict, Keep(Recent));
}

/// A hidden ref from a killed gc does not bring its image back. It is restored itself if its image
/// is there.
#[test]
fn a_hidden_ref_goes_where_its_image_goes() {
    use KeepReason::Referenced;
    use RemoveReason::InterruptedGc;
    use Verdict::{Keep, Remove, Restore};
    let hash = "0".repeat(64);
    for (entries, is_taken, verdicts) in [
        (&["sha256-a"][..], false, &[Keep(Referenced), Restore(Referenced)][..]),
        (&["sha256-a"], true, &[Keep(Referenced), Remove(InterruptedGc)]),
        (&["tmp-gc-sha256-a"], false, &[Remove(InterruptedGc), Remove(InterruptedGc)]),
        (&["tmp-gc-sha256-a"], true, &[Restore(Referenced), Remove(InterruptedGc)]),
        (&[], false, &[Remove(InterruptedGc)]),
    ] {
        let mut inventory = inventory(entries, true, true);
        let mut hidden = inventory.refs.refs[0].clone();
        hidden.file = EntryName::new(format!("tmp-gc-{hash}")).unwrap();
        inventory.refs.refs[0].file = EntryName::new(hash.clone()).unwrap();
        if !is_taken {
            inventory.refs.refs.clear();
        }
        inventory.refs.refs.push(hidden);
        let plan = gc(&inventory, &every_orphan(), &idle(5000));
        let found: Vec<_> = plan.decisions().iter().map(|decision| decision.verdict).collect();
        assert_eq!(found, verdicts, "{entries:?} {is_taken}");
        inventory.problems.push(Error::Interrupted);
        let plan = gc(&inventory, &every_orphan(), &idle(5000));
        assert_eq!(plan.decisions().len(), entries.len(), "the image of the ref is unknown");
    }
}

#[test]
fn chosen_images_are_removed_and_no_others() {
    use KeepReason::{Leased, Recent, Unknown};
    use Verdict::Keep;
    let image = entry("sha256-a");
    let chosen = |despite_lease| Verdict::Remove(RemoveReason::Chosen { despite_lease });
    let lease = UsingProcess { holds_lease: true, ..user() };
    let used = |by: &UsingProcess| InUse::from_list([(image.location.clone(), by.clone())]);
    for (second, is_readable, is_leased, is_used, force, expected) in [
        (5000, true, false, false, false, chosen(false)),
        (5000, true, true, false, false, Keep(Leased)),
        (5000, true, true, false, true, chosen(true)),
        (5000, true, true, true, true, Keep(KeepReason::InUse)),
        (1001, true, false, false, true, Keep(Recent)),
        (5000, false, false, false, true, Keep(Unknown)),
    ] {
        let inventory = inventory(&["sha256-a", "tmp-gc-sha256-a"], true, is_readable);
        let evidence = Evidence {
            leases: Leases::from_iter(is_leased.then(|| image.location.name.clone())),
            in_use: Some(match is_used {
                true => used(&user()),
                // The holder of a lease has the image open.
                false if is_leased => used(&lease),
                false => InUse::default(),
            }),
            ..idle(second)
        };
        let digests = [Digest::parse(b"sha256:a").unwrap()].into();
        let plan = rm(&inventory, &digests, force, &evidence);
        let found: Vec<_> = plan.decisions().iter().map(|decision| decision.verdict).collect();
        if expected.removes() {
            assert_eq!(found, [expected, expected], "with its ref")
        } else {
            assert_eq!(found, [expected])
        }
        let none = rm(&inventory, &Default::default(), force, &evidence);
        assert!(none.decisions().is_empty());
    }
    // Both the lease and its holder protect the image, even if only one of them is seen.
    let (name, users) = (image.location.name.clone(), used(&lease));
    let leased = Evidence { leases: Leases::from_iter([name]), ..idle(5000) };
    let held = Evidence { in_use: Some(users), ..idle(5000) };
    for evidence in [leased, held] {
        let inventory = inventory(&["sha256-a"], true, true);
        let digests = [Digest::parse(b"sha256:a").unwrap()].into();
        let plan = rm(&inventory, &digests, false, &evidence);
        assert_eq!(plan.decisions()[0].verdict, Keep(Leased));
    }
}

/// Unknown never counts as unused.
#[test]
fn without_evidence_nothing_whole_goes() {
    let unknown = Verdict::Keep(KeepReason::Unknown);
    let hidden = "tmp-gc-sha256-a";
    let evidence = [
        ("nothing", Evidence::at(at(5000))),
        ("no mounts", Evidence { mounts: None, ..idle(5000) }),
        ("no users", Evidence { in_use: None, ..idle(5000) }),
    ];
    for (what, evidence) in evidence {
        let orphan = inventory(&["sha256-a"], false, true);
        let plan = gc(&orphan, &every_orphan(), &evidence);
        assert_eq!(plan.decisions()[0].verdict, unknown, "{what}");
        let unwanted = GcOptions { unused_for: Some(SignedDuration::ZERO), ..every_orphan() };
        let plan = gc(&inventory(&["sha256-a"], true, true), &unwanted, &evidence);
        assert_eq!(plan.decisions()[0].verdict, unknown, "{what}, unused");
        let chosen = [Digest::parse(b"sha256:a").unwrap()].into();
        let plan = rm(&orphan, &chosen, true, &evidence);
        assert_eq!(plan.decisions()[0].verdict, unknown, "{what}, named");
        if evidence.in_use.is_none() {
            let plan = gc(&inventory(&[hidden], false, true), &every_orphan(), &evidence);
            assert_eq!(plan.decisions()[0].verdict, unknown, "{what}, hidden");
        }
        let inventory = Inventory { entries: vec![extraction()], ..Inventory::default() };
        let activity = Activity::new(&[(extraction().location, Some(at(1000)))]);
        let options = GcOptions { temp_age: SignedDuration::ZERO, ..every_orphan() };
        let plan = gc(&inventory, &options, &Evidence { activity, ..evidence });
        assert_eq!(plan.decisions()[0].verdict, unknown, "{what}, extraction");
    }
}
