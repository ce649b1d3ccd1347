//! An entry of the cache as the first screen shows it: plain values, safe to print.

use jiff::Timestamp;

use super::list::Row;
use crate::cache::{Cache, Entry as CacheEntry, EntryKind, Inventory, Location};
use crate::cli::find_image::reference;
use crate::cli::image_row::{self, Status};
use crate::cli::removal::users_of;
use crate::cli::ui::units::{ago, estimate, number, size};
use crate::cli::words::{details, guess, layers_of, whole};
use crate::plan::{Evidence, KeepReason, LayerStatus, Plan, Timeline, Verdict};
use crate::usage::{Estimate, Phase, Usage};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Image,
    Layer,
    Leftover,
    Other,
}

/// The colour of an entry. Its status says the same in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Orphan,
    InUse,
    Reclaimable,
    Faint,
}

/// The size of an entry, as far as known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The usage counted so far.
    pub usage: Option<Usage>,
    /// Whether the count is finished.
    pub is_final: bool,
    /// What removing just this one frees.
    pub unique: Option<Estimate>,
}

impl Known {
    /// The usage, marked as a lower bound unless the count is finished.
    pub fn counted(&self) -> Option<Usage> {
        let mut usage = self.usage?;
        usage.unreadable += u64::from(!self.is_final);
        Some(usage)
    }

    /// Updates the usage from a running measurement.
    pub fn grow(&mut self, usage: Usage, phase: Phase) {
        let is_final = phase == Phase::Done;
        // The result of an earlier measurement is better than a partial count.
        if is_final || !self.is_final {
            (self.usage, self.is_final) = (Some(usage), is_final);
        }
    }
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Location,
    pub kind: Kind,
    /// Its short digest, or its name.
    pub label: String,
    /// Its references, or a guess for an orphan.
    pub about: String,
    pub status: String,
    pub tone: Tone,
    pub last_used: Timestamp,
    pub known: Known,
    /// The reference of the build that likely replaced it. Not safe to print.
    pub replaced_by: Option<String>,
    /// Its references. Not safe to print.
    pub refs: Vec<String>,
    /// Further facts, each with a label.
    pub facts: Vec<(&'static str, String)>,
    /// Whether it has disappeared.
    pub is_gone: bool,
}

impl Row for Entry {
    fn group(&self) -> usize {
        self.kind as usize
    }

    fn bytes(&self) -> Option<u64> {
        self.known.usage.map(|usage| usage.on_disk().at_least().as_u64())
    }

    fn name(&self) -> &str {
        if self.about.is_empty() { &self.label } else { &self.about }
    }

    fn used(&self) -> Option<Timestamp> {
        Some(self.last_used)
    }

    fn matches(&self, filter: &str) -> bool {
        let texts = [&self.label, &self.about, &self.status];
        texts.into_iter().any(|text| text.to_lowercase().contains(filter))
    }
}

impl Entry {
    /// All facts, each with a label.
    pub fn all_facts(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let mut facts = self.facts.clone();
        facts.push(("last used", format!("{} ({})", ago(now, self.last_used), self.last_used)));
        let Some(usage) = self.known.counted() else {
            facts.push(("size", "not measured yet".to_owned()));
            return facts;
        };
        facts.push(("on disk", size(usage.on_disk())));
        let unique = self.known.unique.map_or_else(|| "not known yet".to_owned(), estimate);
        facts.push(("unique", unique));
        facts.push(("apparent", size(usage.apparent())));
        facts.push(("files", number(usage.files, usage.is_complete())));
        facts.push(("directories", number(usage.directories, usage.is_complete())));
        facts
    }
}

/// The entries of an inventory. `judged` has what a gc would do with them, once known.
pub fn entries(
    cache: &Cache,
    inventory: &Inventory,
    judged: Option<(&Plan, &Evidence)>,
) -> Vec<Entry> {
    let timeline = judged.map(|(_, evidence)| Timeline::new(inventory, &evidence.lifetimes));
    let rows = image_row::rows(inventory, None, |_| true);
    let entry = |row: &image_row::Row<'_>| {
        let mut entry = plain(cache, row);
        if let (Some((plan, evidence)), Some(timeline)) = (judged, &timeline) {
            judge(&mut entry, row, inventory, plan, evidence, timeline);
        }
        entry
    };
    rows.iter().map(entry).collect()
}

/// An entry with everything known from the inventory alone.
fn plain(cache: &Cache, row: &image_row::Row<'_>) -> Entry {
    let at = row.entry.location.clone();
    let (kind, about) = match &row.entry.kind {
        EntryKind::Image(_) => {
            let names: Vec<_> = row.refs.iter().map(|found| reference(found)).collect();
            (Kind::Image, names.join(", "))
        }
        EntryKind::Layer(_) => (Kind::Layer, String::new()),
        EntryKind::Leftover(_) if row.entry.is_interrupted_gc() => {
            (Kind::Leftover, "an interrupted gc".to_owned())
        }
        EntryKind::Leftover(_) => (Kind::Leftover, "an extraction".to_owned()),
        EntryKind::Foreign => (Kind::Other, String::new()),
    };
    let (status, tone) = match (kind, row.status) {
        (Kind::Image, Status::Orphan) => (Status::Orphan.name(), Tone::Orphan),
        (Kind::Image, status) => (status.name(), Tone::Plain),
        (Kind::Other, _) => ("", Tone::Faint),
        _ => ("", Tone::Plain),
    };
    let mut facts = vec![
        ("name", whole(&at.name)),
        ("path", crate::Escaped::new(&at.path_in(cache.path())).to_string()),
    ];
    facts.extend(row.refs.iter().map(|found| ("reference", reference(found))));
    Entry {
        label: label(row.entry),
        about,
        kind,
        status: status.to_owned(),
        tone,
        last_used: row.entry.last_used,
        known: Known::default(),
        replaced_by: None,
        refs: row.refs.iter().filter_map(|found| found.image.clone()).collect(),
        facts,
        is_gone: false,
        at,
    }
}

fn label(entry: &CacheEntry) -> String {
    match &entry.kind {
        EntryKind::Image(digest) | EntryKind::Layer(digest) => digest.short(),
        EntryKind::Leftover(_) | EntryKind::Foreign => entry
            .former_digest()
            .map_or_else(|| entry.location.to_string(), |digest| digest.short()),
    }
}

/// Adds what a gc would do, and why.
fn judge(
    entry: &mut Entry,
    row: &image_row::Row<'_>,
    inventory: &Inventory,
    plan: &Plan,
    evidence: &Evidence,
    timeline: &Timeline<'_>,
) {
    let Some(decision) = plan.get(&entry.at) else { return };
    if let Some(identity) = &decision.identity {
        entry.replaced_by = identity.reference.clone();
        let is_unreplaced = decision.verdict.keeps_for(KeepReason::Unreplaced);
        entry.about = guess(identity, is_unreplaced, true);
        entry.facts.push(("most likely", entry.about.clone()));
    }
    let users = evidence.in_use.as_ref().map(|in_use| in_use.get(&entry.at));
    let is_leased = evidence.leases.contains(&entry.at.name);
    let is_used = is_leased || users.is_some_and(|users| !users.is_empty());
    match (entry.kind, decision.verdict) {
        (Kind::Image, _) if is_used => {
            entry.tone = Tone::InUse;
            entry.status = if is_leased { "leased" } else { "in use" }.to_owned();
        }
        (Kind::Image, Verdict::Keep(KeepReason::Unreplaced)) => {
            entry.status = KeepReason::Unreplaced.name().to_owned();
        }
        (Kind::Layer, _) => {
            let status = decision.layer_status.as_ref();
            entry.status = status.map_or("", LayerStatus::name).to_owned();
            entry.about = status.map(details).unwrap_or_default();
            if status == Some(&LayerStatus::Unreferenced) {
                entry.tone = Tone::Reclaimable;
            }
        }
        (Kind::Leftover, verdict) if verdict.removes() => {
            entry.status = "abandoned".to_owned();
            entry.tone = Tone::Reclaimable;
        }
        _ => {}
    }
    let does = match decision.verdict {
        Verdict::Remove(reason) => format!("removes it: {}", reason.name()),
        Verdict::Restore(reason) => format!("restores it: {}", reason.name()),
        Verdict::Keep(reason) => format!("keeps it: {}", reason.name()),
    };
    entry.facts.push(("gc", does));
    if is_used && !decision.users.is_empty() {
        entry.facts.push(("used by", users_of(decision)));
    }
    if let Some(layers) =
        layers_of(timeline, inventory, row.entry).filter(|_| entry.kind == Kind::Image)
    {
        entry.facts.push(("layers", layers.len().to_string()));
    }
}
