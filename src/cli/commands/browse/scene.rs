//! States for tests: a small cache at a fixed time.

use bytesize::ByteSize;
use jiff::{SignedDuration, Timestamp};

use super::entry::{Entry, Kind, Known, Tone};
use super::event::{Effect, Event};
use super::keys::{Key, parse};
use super::model::Model;
use super::screen::{Part, Proposal};
use crate::cache::{EntryName, Folder, Location};
use crate::plan::{RemoveReason, Verdict};
use crate::usage::{Estimate, Usage};

pub fn now() -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap()
}

pub fn at(name: &str) -> Location {
    Location { folder: Folder::Root, name: EntryName::new(name).unwrap() }
}

pub fn usage(mib: u64) -> Usage {
    Usage::from_directory(ByteSize::mib(mib))
}

/// An entry used a number of hours ago.
pub fn entry(name: &str, kind: Kind, about: &str, hours: i64) -> Entry {
    let is_orphan = about.is_empty() || about.starts_with("older");
    let (status, tone) = match kind {
        Kind::Image if is_orphan => ("orphan", Tone::Orphan),
        Kind::Image => ("live", Tone::Plain),
        Kind::Layer => ("referenced", Tone::Plain),
        Kind::Leftover | Kind::Other => ("", Tone::Faint),
    };
    Entry {
        at: at(name),
        kind,
        label: name.trim_start_matches("sha256-").to_owned(),
        about: about.to_owned(),
        status: status.to_owned(),
        tone,
        last_used: now() - SignedDuration::from_hours(hours),
        known: Known::default(),
        replaced_by: None,
        refs: Vec::new(),
        facts: vec![("name", name.to_owned()), ("gc", "keeps it: referenced".to_owned())],
        is_gone: false,
    }
}

pub const OLD: &str = "sha256-1b5675118e13";
pub const NEW: &str = "sha256-8432e34e7c77";
pub const USED: &str = "sha256-2b21d263761d";
pub const LAYER: &str = "sha256-cae662172fd4";

pub fn entries() -> Vec<Entry> {
    let mut used = entry(USED, Kind::Image, "ghcr.io/stacklok/brood-box/codex:latest", 1);
    (used.status, used.tone) = ("in use".to_owned(), Tone::InUse);
    vec![
        entry(OLD, Kind::Image, "older ghcr.io/stacklok/brood-box/claude-code:latest?", 300),
        used,
        entry(NEW, Kind::Image, "ghcr.io/stacklok/brood-box/claude-code:latest", 3),
        entry(LAYER, Kind::Layer, "by 2 images", 3),
        entry("tmp-rootfs-12", Kind::Leftover, "an extraction", 0),
    ]
}

/// The cache after everything was measured.
pub fn model(columns: u16, lines: u16) -> Model {
    let mut model =
        Model::new("/home/me/.cache/broodbox/images".into(), false, now(), (columns, lines));
    let mut entries = entries();
    for (entry, mib) in entries.iter_mut().zip([815, 640, 821, 492, 3]) {
        let unique = Some(Estimate::exactly(ByteSize::mib(mib)));
        entry.known = Known { usage: Some(usage(mib)), is_final: true, unique };
    }
    model.update(Event::Listed { entries, is_judged: true });
    (model.total, model.measuring) = (Some(usage(2771)), None);
    model
}

/// Presses keys, and returns the effects of the last one.
pub fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let keys: Vec<Key> = parse(keys).unwrap();
    keys.into_iter().map(|key| model.update(Event::Key(key))).last().unwrap_or_default()
}

/// The question about the removal of one image.
pub fn proposal(name: &str) -> Proposal {
    Proposal {
        chosen: vec![at(name)],
        verdicts: vec![(at(name), Verdict::Remove(RemoveReason::Chosen { despite_lease: false }))],
        lines: vec![format!("Would remove {name}   815.0 MiB  chosen")],
        question: Some("Remove 1 image, freeing 815.0 MiB?".to_owned()),
    }
}

pub fn part(label: &str, mib: u64) -> Part {
    let path = label.strip_suffix('/').map(Into::into);
    Part { label: label.to_owned(), path, usage: usage(mib), has_other_names: label == "node" }
}
