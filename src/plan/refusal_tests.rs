//! Verdicts on images that the system refuses to remove, and on those half removed in place.

use std::collections::HashSet;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::decisions::Plan;
use super::evidence::Evidence;
use super::gc::gc;
use super::on_request::{purge, rm};
use super::options::GcOptions;
use crate::cache::{
    Digest, Entry, EntryKind, EntryName, Folder, Inventory, Location, Ref, Refusal, RefusalCause,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn location(folder: Folder, name: &str) -> Location {
    Location { folder, name: EntryName::new(name).unwrap() }
}

/// An image and a layer, both used at second 1000. The image may have a reference.
fn inventory(is_named: bool) -> Inventory {
    let digest = Digest::parse(b"sha256:a").unwrap();
    let entry = |folder, kind| Entry {
        location: location(folder, "sha256-a"),
        kind,
        last_used: at(1000),
        changed: at(1000),
    };
    let mut inventory = Inventory::default();
    inventory.entries.push(entry(Folder::Root, EntryKind::Image(digest.clone())));
    inventory.entries.push(entry(Folder::Layers, EntryKind::Layer(digest.clone())));
    if is_named {
        let file = EntryName::new("r").unwrap();
        inventory.refs.refs.push(Ref { file, image: None, digest, modified: at(1000) });
    }
    inventory
}

/// The reasons for image, layer and reference; a plan for given images may lack the latter two.
fn reasons(plan: &Plan) -> Vec<&'static str> {
    plan.decisions().iter().map(|decision| decision.verdict.reason()).collect()
}

#[test]
fn an_image_that_the_system_refuses_to_remove_stays_with_its_refs() {
    let (image, refs) = (location(Folder::Root, "sha256-a"), location(Folder::Refs, "r"));
    let refusal = Refusal { path: PathBuf::from("/c/x"), cause: RefusalCause::ForeignOwner(7) };
    let unused =
        || GcOptions { unused_for: Some(SignedDuration::from_secs(10)), ..GcOptions::default() };
    let chosen = HashSet::from([Digest::parse(b"sha256:a").unwrap()]);
    type Make<'a> = &'a dyn Fn(&Inventory, &Evidence) -> Plan;
    let collect: Make<'_> = &|inventory, evidence| {
        gc(inventory, &GcOptions { all: true, ..GcOptions::default() }, evidence)
    };
    let unused: Make<'_> = &|inventory, evidence| gc(inventory, &unused(), evidence);
    let remove: Make<'_> = &|inventory, evidence| rm(inventory, &chosen, true, evidence);
    let purge: Make<'_> = &|inventory, evidence| purge(inventory, evidence);
    for (make, is_named, refused, expected) in [
        (collect, false, None, &["orphan", "unreferenced"][..]),
        (collect, false, Some(&image), &["unremovable", "unknown"]),
        (collect, true, Some(&image), &["referenced", "unknown"]),
        (unused, true, Some(&image), &["unremovable", "unknown"]),
        (unused, true, Some(&refs), &["unremovable", "unknown"]),
        (remove, true, None, &["chosen", "chosen"]),
        (remove, true, Some(&image), &["unremovable"]),
        (remove, true, Some(&refs), &["unremovable"]),
        (purge, true, None, &["purge", "purge", "purge"]),
        (purge, true, Some(&image), &["unremovable", "purge", "unremovable"]),
        (purge, true, Some(&refs), &["purge", "purge", "unremovable"]),
    ] {
        let mut evidence = Evidence::of_idle_cache(at(5000));
        evidence.refusals =
            refused.into_iter().map(|location| (location.clone(), refusal.clone())).collect();
        let plan = make(&inventory(is_named), &evidence);
        assert_eq!(reasons(&plan), expected, "{is_named} {refused:?}");
    }
}

#[test]
fn a_half_removed_image_is_removed_at_any_age_unless_referenced() {
    for (is_named, is_begun, expected) in [
        (false, false, ["recent", "unknown"]),
        (false, true, ["interrupted-gc", "interrupted-gc"]),
        (true, true, ["referenced", "interrupted-gc"]),
    ] {
        let mut inventory = inventory(is_named);
        if is_begun {
            let begun = inventory.entries.iter().map(|entry| entry.location.clone());
            inventory.begun = begun.collect();
        }
        let plan = gc(
            &inventory,
            &GcOptions { all: true, ..GcOptions::default() },
            &Evidence::of_idle_cache(at(1001)),
        );
        assert_eq!(reasons(&plan), expected, "{is_named} {is_begun}");
    }
}
