//! What `list` shows, before it is decided how.

use std::collections::HashSet;
use std::path::Path;

use bytesize::ByteSize;
use jiff::Timestamp;

use super::judgement::Judgement;
use crate::cache::{Digest, Entry, EntryKind, EntryName, Inventory, Leftover, Ref};
use crate::cli::args::{List, Sort};
use crate::cli::context::Context;
use crate::cli::doubt;
use crate::error::Error;
use crate::plan::{Decision, Marks, Plan, Standing, Timeline, Verdict, dangling};
use crate::usage::{Census, Estimate, Usage};

/// Everything that there is to say about a cache.
pub struct Listing<'a> {
    pub cache_dir: &'a Path,
    pub inventory: &'a Inventory,
    pub census: Option<&'a Census>,
    pub images: Vec<Row<'a>>,
    pub layers: Vec<Row<'a>>,
    pub leftovers: Vec<Row<'a>>,
    pub strangers: Vec<Row<'a>>,
    pub now: Timestamp,
    /// What to type for a collection of this cache.
    pub gc_command: String,
    /// Whether it was asked what files share.
    pub reads_extents: bool,
    /// All images, and of those the orphans, whether they are shown or not.
    pub counts: (usize, usize),
    /// What could not be looked at when it was asked when everything was made.
    unseen: &'a [Error],
    timeline: Timeline<'a>,
    /// What a collection would do.
    plan: Plan,
}

/// Whether an entry is still needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Live,
    Orphan,
    /// Nobody can say: it is no image, or there are refs that cannot be read.
    Unknown,
}

impl Status {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Orphan => "orphan",
            Self::Unknown => "unknown",
        }
    }
}

/// One entry.
pub struct Row<'a> {
    pub entry: &'a Entry,
    pub status: Status,
    pub refs: Vec<&'a Ref>,
    pub usage: Option<Usage>,
    /// When anything in it was changed last, as far as that is known.
    pub last_changed: Timestamp,
    /// What removing just this one gives back.
    pub unique: Option<Estimate>,
}

/// What was measured of an entry.
#[derive(Clone, Copy)]
struct Measured {
    usage: Usage,
    unique: Estimate,
    newest: Option<Timestamp>,
}

impl Measured {
    fn of(census: &Census, tree: usize) -> Self {
        let measured = census.measurement();
        let (usage, unique) = (measured.usage(tree), measured.unique(tree));
        Self { usage, unique, newest: measured.newest_change(tree) }
    }
}

impl<'a> Row<'a> {
    fn new(
        entry: &'a Entry,
        inventory: &Inventory,
        marks: &Marks<'a>,
        measured: Option<Measured>,
    ) -> Self {
        let name = match &entry.kind {
            EntryKind::Leftover(Leftover::Hidden(digest)) => digest.entry_name(),
            _ => &entry.location.name,
        };
        let refs = marks.of(name).to_vec();
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
        match &self.entry.kind {
            EntryKind::Image(digest) | EntryKind::Layer(digest) => Some(digest),
            EntryKind::Leftover(_) | EntryKind::Stranger => None,
        }
    }

    pub fn name(&self) -> &'a EntryName {
        &self.entry.location.name
    }

    pub fn is_orphan(&self) -> bool {
        self.status == Status::Orphan
    }

    fn on_disk(&self) -> Option<ByteSize> {
        self.usage.map(|usage| usage.on_disk)
    }
}

impl<'a> Listing<'a> {
    pub fn new(
        context: &'a Context<'_>,
        inventory: &'a Inventory,
        census: Option<&'a Census>,
        judgement: &'a Judgement,
        args: &List,
    ) -> Self {
        let rows = |is_wanted: fn(&EntryKind) -> bool| rows(inventory, census, is_wanted);
        let mut images = rows(|kind| matches!(kind, EntryKind::Image(_)));
        let mut layers = rows(|kind| matches!(kind, EntryKind::Layer(_)));
        let counts = (images.len(), images.iter().filter(|row| row.is_orphan()).count());
        images.retain(|row| !args.orphans || row.is_orphan());
        sort(&mut images, args.sort);
        sort(&mut layers, args.sort);
        Self {
            cache_dir: &context.cache_dir,
            inventory,
            census,
            images,
            layers,
            leftovers: rows(|kind| matches!(kind, EntryKind::Leftover(_))),
            strangers: rows(|kind| matches!(kind, EntryKind::Stranger)),
            now: Timestamp::now(),
            gc_command: context.command("gc"),
            reads_extents: args.sizes,
            counts,
            unseen: &judgement.lifetimes.problems,
            timeline: Timeline::new(inventory, &judgement.lifetimes),
            plan: judgement.plan.clone(),
        }
    }

    /// What a collection would do with an entry.
    pub fn verdict(&self, entry: &Entry) -> Option<Verdict> {
        self.decision(entry).map(|decision| decision.verdict)
    }

    fn decision(&self, entry: &Entry) -> Option<&Decision> {
        let mut decisions = self.plan.decisions.iter();
        decisions.find(|decision| *decision.item.location() == entry.location)
    }

    /// Refs whose image is not there.
    pub fn dangling(&self) -> impl Iterator<Item = &'a Ref> {
        dangling(self.inventory)
    }

    /// Whether a collection would remove an entry.
    pub fn is_doomed(&self, entry: &Entry) -> bool {
        self.verdict(entry).is_some_and(Verdict::removes)
    }

    /// What all entries of some kind amount to, each inode and extent once.
    pub fn total(&self, kind: fn(&EntryKind) -> bool) -> Option<Usage> {
        Some(self.census?.measurement().total(self.trees(kind)))
    }

    /// What removing all entries of some kind together gives back.
    pub fn unique(&self, kind: fn(&EntryKind) -> bool) -> Option<Estimate> {
        Some(self.census?.measurement().reclaimable(self.trees(kind)))
    }

    fn trees(&self, kind: fn(&EntryKind) -> bool) -> impl Iterator<Item = usize> {
        let entries = self.inventory.entries.iter().enumerate();
        entries.filter(move |(_, entry)| kind(&entry.kind)).map(|(index, _)| index)
    }

    /// What a collection would give back, and whether all of that could be measured.
    pub fn reclaimable(&self) -> Option<(Estimate, bool)> {
        self.reclaimable_of(self.plan.removals().map(|(_, decision)| decision))
    }

    /// The same for the layers that could go, too.
    pub fn reclaimable_layers(&self) -> Option<(Estimate, bool)> {
        let doomed = || self.plan.removals().map(|(_, decision)| decision);
        let (part, _) = self.reclaimable_of(doomed())?;
        let (whole, _) = self.reclaimable_of(doomed().chain(self.left_layers()))?;
        let (_, is_complete) = self.reclaimable_of(self.left_layers())?;
        Some((whole.beyond(part), is_complete))
    }

    /// Layers that nothing needs, though a collection leaves them if it is not told otherwise.
    pub fn left_layers(&self) -> impl Iterator<Item = &Decision> {
        self.plan.left_layers()
    }

    fn reclaimable_of<'p>(
        &self,
        decisions: impl Iterator<Item = &'p Decision>,
    ) -> Option<(Estimate, bool)> {
        let measurement = self.census?.measurement();
        let chosen: HashSet<_> = decisions.map(|decision| decision.item.location()).collect();
        let entries = self.inventory.entries.iter().enumerate();
        let chosen = entries.filter(|(_, entry)| chosen.contains(&entry.location));
        let chosen: Vec<_> = chosen.map(|(index, _)| index).collect();
        let is_complete = chosen.iter().all(|&tree| measurement.usage(tree).is_complete());
        Some((measurement.reclaimable(chosen), is_complete))
    }

    /// Where a layer stands.
    pub fn standing(&self, layer: &Entry) -> Option<&Standing> {
        self.decision(layer)?.standing.as_ref()
    }

    /// The layers that an image is likely made of, and what they occupy; `None` if nobody can tell.
    pub fn layers_of(&self, image: &Entry) -> Option<(Vec<&'a Digest>, ByteSize)> {
        let places = self.timeline.layers_of(&image.location)?;
        let entries = places.iter().map(|&place| &self.inventory.entries[place]);
        let digests = entries.filter_map(|entry| match &entry.kind {
            EntryKind::Layer(digest) => Some(digest),
            _ => None,
        });
        let digests = digests.collect();
        let usage = self.census.map(|census| census.measurement().total(places));
        Some((digests, usage.unwrap_or_default().on_disk))
    }

    /// Whether everything could be looked at.
    pub fn is_complete(&self) -> bool {
        self.inventory.problems.is_empty()
            && self.unseen.is_empty()
            && self.inventory.refs.unreadable.is_empty()
            && self.census.is_none_or(|census| census.total().is_complete())
    }

    /// What the user should know, each on one line.
    pub fn warnings(&self) -> Vec<String> {
        let refs = &self.inventory.refs;
        let problems = self.inventory.problems.iter().chain(self.unseen);
        let mut warnings: Vec<_> = problems.map(ToString::to_string).collect();
        warnings.extend(refs.unreadable.iter().map(|found| {
            format!("{}; it may name any image, so gc will remove nothing", found.error)
        }));
        warnings.extend(refs.invalid.iter().map(|found| found.warning(self.cache_dir)));
        warnings.extend(doubt::warning(self.inventory, self.cache_dir));
        warnings.extend(self.unread());
        warnings
    }

    /// What could not be read while the trees were walked.
    fn unread(&self) -> Vec<String> {
        let mut unread = Vec::new();
        let Some(census) = self.census else { return unread };
        unread.extend(census.problems().iter().map(ToString::to_string));
        for tree in 0..census.measurement().trees() {
            let problems = census.measurement().problems(tree);
            unread.extend(problems.first().iter().map(ToString::to_string));
            let more = problems.count() - problems.first().len() as u64;
            if more > 0 {
                unread.push(format!("{more} more problems in the same tree"));
            }
        }
        unread
    }
}

/// The entries of some kind, in the order of the inventory.
fn rows<'a>(
    inventory: &'a Inventory,
    census: Option<&Census>,
    is_wanted: fn(&EntryKind) -> bool,
) -> Vec<Row<'a>> {
    let marks = Marks::new(&inventory.refs.refs);
    let entries = inventory.entries.iter().enumerate();
    entries
        .filter(|(_, entry)| is_wanted(&entry.kind))
        .map(|(index, entry)| {
            let measured = census.map(|census| Measured::of(census, index));
            Row::new(entry, inventory, &marks, measured)
        })
        .collect()
}

fn sort(rows: &mut [Row<'_>], key: Sort) {
    // The inventory is sorted by name, and stays so where the key says nothing.
    match key {
        Sort::Used => rows.sort_by_key(|row| std::cmp::Reverse(row.entry.last_used)),
        Sort::Size => rows.sort_by_key(|row| std::cmp::Reverse(row.on_disk())),
        Sort::Name => rows.sort_by(|a, b| by_name(a).cmp(&by_name(b))),
    }
}

/// Named images by their first reference, then those in the old form, orphans last.
fn by_name<'r>(row: &'r Row<'_>) -> impl Ord + 'r {
    let first = row.refs.first().map(|found| found.image.as_deref());
    (first.is_none(), first.flatten().is_none(), first.flatten())
}
