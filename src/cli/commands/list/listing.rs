//! The contents of a `list`, independent of their format.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use crate::cache::{Cache, Digest, Disk, Entry, EntryKind, Inventory, Location, Ref};
use crate::cli::args::List;
use crate::cli::context::Context;
use crate::cli::image_row::{Row, rows, sort};
use crate::cli::measure::Measuring;
use crate::cli::ui::units::{size, up_to};
use crate::cli::warnings::{dropped_refs, unread};
use crate::cli::words::layers_of;
use crate::error::Result;
use crate::gc::{self, Measured};
use crate::plan::{
    Decision, Evidence, Identity, Item, LayerStatus, Plan, Timeline, Verdict, dangling,
};
use crate::usage::{CacheUsage, Estimate, Size, Usage};

/// Findings besides names and sizes.
pub struct Findings {
    /// What a gc would do.
    plan: Plan,
    evidence: Evidence,
    /// How much space that would free, if measured.
    measured: Option<Measured>,
    /// The images in which a microVM has run, if known.
    used_in_place: HashSet<Location>,
}

impl Findings {
    /// No findings.
    pub fn nothing() -> Self {
        let evidence = Evidence::at(Timestamp::now());
        Self { plan: Plan::default(), evidence, measured: None, used_in_place: HashSet::new() }
    }

    /// Finds out what is in use, and plans a gc.
    pub fn new(cache: &Cache, inventory: &Inventory, cache_usage: Option<&CacheUsage>) -> Self {
        let (plan, evidence) = gc::plan_listed(cache, inventory, cache_usage);
        Self { plan, evidence, measured: None, used_in_place: HashSet::new() }
    }

    /// Measures the parts of the plan that were not measured with everything else.
    ///
    /// # Errors
    /// See [`gc::measure_plan`].
    pub fn measure(
        mut self,
        context: &Context<'_>,
        cache: &Cache,
        usage: &CacheUsage,
    ) -> Result<Self> {
        let (jobs, reporter) = (context.jobs, &mut Measuring::new(context));
        let found = gc::measure_plan(cache, &mut self.plan, Some(usage), jobs, reporter)?;
        self.measured = Some(found);
        Ok(self)
    }

    /// Finds the images in which a microVM has run.
    pub fn look_into_images(mut self, cache: &Cache, inventory: &Inventory) -> Self {
        // An image that cannot be opened was already reported when it was measured.
        let is_used = |image: &&Location| {
            let mounts = self.evidence.mounts.as_ref();
            // A mounted file system may not respond.
            mounts.is_some_and(|mounts| mounts.get(image).is_none())
                && cache.is_used_in_place(image).unwrap_or(false)
        };
        let images = inventory.images().map(|(image, _)| &image.location);
        self.used_in_place = images.filter(is_used).cloned().collect();
        self
    }
}

/// Everything to show about a cache.
pub struct Listing<'a> {
    pub cache_dir: &'a Path,
    /// The message for an empty cache directory, safe to print.
    pub emptiness: String,
    pub inventory: &'a Inventory,
    pub cache_usage: Option<&'a CacheUsage>,
    pub images: Vec<Row<'a>>,
    pub layers: Vec<Row<'a>>,
    pub leftovers: Vec<Row<'a>>,
    pub foreign: Vec<Row<'a>>,
    pub now: Timestamp,
    /// The command for a gc of this cache.
    pub gc_command: String,
    /// The command that gives an image of this cache a reference.
    pub tag_command: String,
    /// Whether this is the full report, with shared data and images used in place.
    pub is_account: bool,
    /// The number of images and of orphans, shown or not.
    pub counts: (usize, usize),
    timeline: Timeline<'a>,
    /// What a gc would do.
    plan: &'a Plan,
    evidence: &'a Evidence,
    found: &'a Findings,
}

impl<'a> Listing<'a> {
    pub fn new(
        context: &'a Context<'_>,
        inventory: &'a Inventory,
        cache_usage: Option<&'a CacheUsage>,
        found: &'a Findings,
        chosen: Option<&HashSet<Digest>>,
        args: &List,
    ) -> Self {
        let rows = |is_wanted: fn(&EntryKind) -> bool| rows(inventory, cache_usage, is_wanted);
        let mut images = rows(|kind| matches!(kind, EntryKind::Image(_)));
        let mut layers = rows(|kind| matches!(kind, EntryKind::Layer(_)));
        let counts = (images.len(), images.iter().filter(|row| row.is_orphan()).count());
        images.retain(|row| !args.orphans || row.is_orphan());
        if let Some(chosen) = chosen {
            images.retain(|row| row.digest().is_some_and(|digest| chosen.contains(digest)));
        }
        for rows in [&mut images, &mut layers] {
            sort(rows, args.sort);
            if args.reverse {
                rows.reverse();
            }
        }
        Self {
            cache_dir: &context.cache_dir,
            emptiness: context.shown_emptiness(),
            inventory,
            cache_usage,
            images,
            layers,
            leftovers: rows(|kind| matches!(kind, EntryKind::Leftover(_))),
            foreign: rows(|kind| matches!(kind, EntryKind::Foreign)),
            now: Timestamp::now(),
            gc_command: context.command("gc"),
            tag_command: context.command("tag"),
            is_account: args.sizes,
            counts,
            timeline: Timeline::new(inventory, &found.evidence.lifetimes),
            plan: &found.plan,
            evidence: &found.evidence,
            found,
        }
    }

    /// All rows shown.
    pub fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        let kinds = [&self.images, &self.layers, &self.leftovers, &self.foreign];
        kinds.into_iter().flatten()
    }

    /// What a gc would do with an entry.
    pub fn verdict(&self, entry: &Entry) -> Option<Verdict> {
        self.decision(entry).map(|decision| decision.verdict)
    }

    fn decision(&self, entry: &Entry) -> Option<&Decision> {
        self.plan.get(&entry.location)
    }

    /// The usage of the file system of the cache.
    pub fn disk(&self) -> Option<&Disk> {
        self.evidence.disk.as_ref()
    }

    /// Refs whose image is gone.
    pub fn dangling(&self) -> impl Iterator<Item = &'a Ref> {
        dangling(self.inventory)
    }

    /// Whether a gc would remove an entry.
    pub fn is_reclaimable(&self, entry: &Entry) -> bool {
        self.verdict(entry).is_some_and(Verdict::removes)
    }

    /// A guess at what an orphan was, if there is a clue.
    pub fn identity(&self, image: &Entry) -> Option<&Identity> {
        self.decision(image)?.identity.as_ref()
    }

    /// The status of an image. An unreplaced orphan has its own.
    pub fn status(&self, row: &Row<'_>) -> &'static str {
        row.status_word(self.verdict(row.entry))
    }

    /// The orphans that a gc keeps because nothing has replaced them.
    pub fn unreplaced(&self) -> impl Iterator<Item = &Decision> {
        self.plan.unreplaced()
    }

    /// How much space removing those, too, would free.
    pub fn reclaimable_unreplaced(&self) -> Option<Estimate> {
        Some(self.measured()?.left.unreplaced.reclaimable)
    }

    fn measured(&self) -> Option<&Measured> {
        self.found.measured.as_ref()
    }

    /// Whether a process uses an image or holds a lease on it; `None` if unknown.
    pub fn in_use(&self, image: &Entry) -> Option<bool> {
        self.evidence.is_in_use(&image.location)
    }

    /// Whether a microVM is known to have run in an image itself.
    pub fn is_used_in_place(&self, image: &Entry) -> bool {
        self.found.used_in_place.contains(&image.location)
    }

    /// The number of images that a gc would remove.
    pub fn reclaimable_images(&self) -> usize {
        let removals = self.plan.removals();
        removals.filter(|decision| decision.item.is_image_in_place()).count()
    }

    /// The number of refs that a gc would remove.
    pub fn reclaimable_refs(&self) -> usize {
        let removals = self.plan.removals();
        removals.filter(|decision| matches!(decision.item, Item::Ref { .. })).count()
    }

    /// The total size of all entries of one kind, counting each inode and extent once.
    pub fn total(&self, kind: fn(&EntryKind) -> bool) -> Option<Usage> {
        Some(self.cache_usage?.measurement().total(self.trees(kind)))
    }

    /// How much space removing all entries of one kind together would free.
    pub fn unique(&self, kind: fn(&EntryKind) -> bool) -> Option<Estimate> {
        Some(self.cache_usage?.measurement().reclaimable(self.trees(kind)))
    }

    fn trees(&self, kind: fn(&EntryKind) -> bool) -> impl Iterator<Item = &Location> {
        let entries = self.inventory.entries.iter();
        entries.filter(move |entry| kind(&entry.kind)).map(|entry| &entry.location)
    }

    /// Whether sums may count data several times: files can share data, and it is unknown how much
    /// they do.
    pub fn may_share(&self) -> bool {
        self.cache_usage.is_some_and(|usage| usage.measurement().may_share_unseen())
    }

    /// A sum over several entries: an upper bound if they may share data.
    pub fn shown_sum(&self, sum: Size) -> String {
        if self.may_share() { up_to(sum) } else { size(sum) }
    }

    /// How much space a gc would free.
    pub fn reclaimable(&self) -> Option<Estimate> {
        Some(self.measured()?.freed)
    }

    /// How much space removing unreferenced layers, too, would free.
    pub fn reclaimable_layers(&self) -> Option<Estimate> {
        Some(self.measured()?.left.layers.reclaimable)
    }

    /// Unneeded layers that a gc keeps by default.
    pub fn left_layers(&self) -> impl Iterator<Item = &Decision> {
        self.plan.left_layers()
    }

    /// The status of a layer.
    pub fn layer_status(&self, layer: &Entry) -> Option<&LayerStatus> {
        self.decision(layer)?.layer_status.as_ref()
    }

    /// The remaining images and extractions that a layer belongs to, as far as its times tell.
    pub fn images_of(&self, layer: &Entry) -> impl Iterator<Item = &'a Location> {
        let images = self.timeline.made_of(&layer.location).into_iter();
        images.filter(|image| self.plan.get(image).is_some_and(|found| !found.verdict.removes()))
    }

    /// The layers that an image likely consists of, and their size; `None` if unknown.
    pub fn layers_of(&self, image: &Entry) -> Option<(Vec<&'a Digest>, Size)> {
        let layers = layers_of(&self.timeline, self.inventory, image)?;
        let (trees, digests): (Vec<_>, _) = layers.into_iter().unzip();
        let usage = self.cache_usage.map(|cache_usage| cache_usage.measurement().total(trees));
        Some((digests, usage.unwrap_or_default().on_disk()))
    }

    /// Whether the whole cache was readable.
    pub fn is_complete(&self) -> bool {
        let foreign = self.inventory.foreign().cloned().collect();
        self.inventory.problems.is_empty()
            && self.evidence.lifetimes.problems.is_empty()
            && self.inventory.refs.unreadable.is_empty()
            && self
                .cache_usage
                .is_none_or(|cache_usage| cache_usage.total_without(&foreign).is_complete())
    }

    /// Warnings for the user, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let refs = &self.inventory.refs;
        let problems = self.inventory.problems.iter().chain(&self.evidence.lifetimes.problems);
        let mut warnings: Vec<_> = problems.map(ToString::to_string).collect();
        warnings.extend(refs.unreadable.iter().map(|found| {
            format!("{}; it may point at any image, so gc will remove nothing", found.error)
        }));
        warnings.extend(refs.invalid.iter().map(|found| found.warning(self.cache_dir)));
        warnings.extend(dropped_refs(self.inventory, self.plan, self.cache_dir));
        let unread = self.cache_usage.map(|usage| unread(self.inventory, usage));
        warnings.extend(unread.unwrap_or_default());
        warnings
    }
}
