//! The entries of a listing.

use bytesize::ByteSize;
use jiff::Timestamp;

use crate::cache::{Digest, Entry, EntryKind, EntryName, Inventory, Location, Ref};
use crate::cli::args::Sort;
use crate::plan::{KeepReason, Reachability, Verdict};
use crate::usage::{CacheUsage, Estimate, Usage};

/// Whether an entry is still needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Live,
    Orphan,
    /// Unknown: it is not an image, or some references are unreadable.
    Unknown,
}

impl Status {
    /// The stable name of this status.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Orphan => "orphan",
            Self::Unknown => "unknown",
        }
    }
}

/// One entry of a listing.
pub struct Row<'a> {
    pub entry: &'a Entry,
    pub status: Status,
    pub refs: Vec<&'a Ref>,
    pub usage: Option<Usage>,
    /// When anything in it last changed, as far as known.
    pub last_changed: Timestamp,
    /// How much space removing just this entry would free.
    pub unique: Option<Estimate>,
}

/// The measurements of an entry.
#[derive(Clone, Copy)]
struct Measured {
    usage: Usage,
    unique: Estimate,
    newest: Option<Timestamp>,
}

impl Measured {
    fn new(cache_usage: &CacheUsage, at: &Location) -> Option<Self> {
        let measured = cache_usage.measurement();
        let (usage, unique) = (measured.usage(at)?, measured.unique(at)?);
        Some(Self { usage, unique, newest: measured.newest_change(at) })
    }
}

impl<'a> Row<'a> {
    fn new(
        entry: &'a Entry,
        inventory: &Inventory,
        reachability: &Reachability<'a>,
        measured: Option<Measured>,
    ) -> Self {
        let refs = reachability.get(entry.ref_name()).to_vec();
        let is_image = matches!(entry.kind, EntryKind::Image(_));
        let status = match (is_image, refs.is_empty()) {
            (true, false) => Status::Live,
            (true, true) if inventory.refs.unreadable.is_empty() => Status::Orphan,
            _ => Status::Unknown,
        };
        let (usage, unique) = measured.map(|found| (found.usage, found.unique)).unzip();
        let last_changed = measured.and_then(|found| found.newest).unwrap_or(entry.last_used);
        Self { entry, status, refs, usage, last_changed, unique }
    }

    pub fn digest(&self) -> Option<&'a Digest> {
        self.entry.kind.digest()
    }

    pub fn name(&self) -> &'a EntryName {
        &self.entry.location.name
    }

    /// Whether it is needed, in a word, given the verdict of a gc on it.
    pub fn status_word(&self, verdict: Option<Verdict>) -> &'static str {
        match verdict {
            Some(verdict) if verdict.keeps_for(KeepReason::Unreplaced) => {
                KeepReason::Unreplaced.name()
            }
            _ => self.status.name(),
        }
    }

    pub fn is_orphan(&self) -> bool {
        self.status == Status::Orphan
    }

    /// The bytes on disk found, for comparisons.
    pub fn on_disk(&self) -> Option<ByteSize> {
        self.usage.map(|usage| usage.on_disk().at_least())
    }
}

/// The entries of one kind, in the order of the inventory.
pub fn rows<'a>(
    inventory: &'a Inventory,
    cache_usage: Option<&CacheUsage>,
    is_wanted: fn(&EntryKind) -> bool,
) -> Vec<Row<'a>> {
    let reachability = Reachability::new(&inventory.refs.refs);
    let entries = inventory.entries.iter();
    entries
        .filter(|entry| is_wanted(&entry.kind))
        .map(|entry| {
            let measured =
                cache_usage.and_then(|cache_usage| Measured::new(cache_usage, &entry.location));
            Row::new(entry, inventory, &reachability, measured)
        })
        .collect()
}

/// The row of one entry that is not measured.
pub fn row<'a>(inventory: &'a Inventory, entry: &'a Entry) -> Row<'a> {
    Row::new(entry, inventory, &Reachability::new(&inventory.refs.refs), None)
}

/// Sorts rows by the user's key.
pub fn sort(rows: &mut [Row<'_>], key: Sort) {
    // The inventory is sorted by name, and the sort is stable.
    match key {
        Sort::Used => rows.sort_by_key(|row| std::cmp::Reverse(row.entry.last_used)),
        Sort::Size => rows.sort_by_key(|row| std::cmp::Reverse(row.on_disk())),
        Sort::Name => rows.sort_by(|a, b| by_name(a).cmp(&by_name(b))),
    }
}

/// The sort key for names: referenced images by their first reference, then those with a ref in the
/// old format, then orphans.
fn by_name<'r>(row: &'r Row<'_>) -> impl Ord + 'r {
    let first = row.refs.first().map(|found| found.image.as_deref());
    (first.is_none(), first.flatten().is_none(), first.flatten())
}
