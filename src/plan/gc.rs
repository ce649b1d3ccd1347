//! From an inventory to a plan.

use std::collections::HashSet;

use bytesize::ByteSize;
use jiff::SignedDuration;

use super::decision::{Decision, Item, Plan, decide};
use super::evidence::Evidence;
use super::identity::Identity;
use super::layers;
use super::older_build::Builds;
use super::options::{GcOptions, Limit};
use super::reachability::Reachability;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::refs::decide_refs;
use super::spending::{spend, spending_order};
use super::target::Target;
use super::timeline::Timeline;
use super::unreplaced::{builds, unreplaced};
use crate::cache::{
    Digest, Disk, Entry, EntryKind, Inventory, Leftover, Location, Ref, UsingProcess,
};
use crate::usage::CacheUsage;

/// How old a dangling ref must be: a younger one may be waiting for its image.
const REF_AGE: SignedDuration = SignedDuration::from_mins(1);

/// Plans a collection: it removes orphans that nothing needs, abandoned extractions, dangling refs,
/// and the remains of an interrupted gc. Entries that are not part of the cache are left out.
/// Recently used images are kept, and if any ref is unreadable, all images are: it might point at
/// any of them. With limits in `options`, even referenced images are removed, with their refs.
///
/// ```
/// # use bbox_cache::StopFlag;
/// # use bbox_cache::cache::Cache;
/// use bbox_cache::jiff::{SignedDuration, Timestamp};
/// use bbox_cache::plan::{self, Evidence, GcOptions, KeepReason, RemoveReason, Verdict};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let names = ["sha256-8432", "sha256-9803", "refs"];
/// # names.map(|name| std::fs::create_dir(home.path().join(name)).unwrap());
/// # std::fs::write(home.path().join("refs/0"), "ghcr.io/a/b:latest\tsha256:8432\n")?;
/// # let cache = Cache::open(home.path())?.unwrap();
/// // Two images, the second an orphan, an hour after their last use.
/// let mut evidence = Evidence::at(Timestamp::now() + SignedDuration::from_hours(1));
/// evidence.mounts = cache.mounts()?;
/// let inventory = cache.inventory()?;
/// let verdicts = |evidence: &Evidence| {
///     let plan = plan::gc(&inventory, &GcOptions::default(), evidence);
///     plan.decisions().iter().map(|decision| decision.verdict).collect::<Vec<_>>()
/// };
/// // While it is unknown which processes use it, the orphan is kept. Its program is unknown, too.
/// let (referenced, unknown) =
///     (Verdict::Keep(KeepReason::Referenced), Verdict::Keep(KeepReason::Unknown));
/// assert_eq!(verdicts(&evidence), [referenced, unknown]);
/// evidence.in_use = cache.users()?;
/// evidence.programs = cache.programs(&inventory, evidence.mounts.as_ref().unwrap());
/// assert_eq!(verdicts(&evidence), [referenced, Verdict::Remove(RemoveReason::Orphan)]);
/// # Ok(())
/// # }
/// ```
pub fn gc(inventory: &Inventory, options: &GcOptions, evidence: &Evidence) -> Plan {
    let Some((limit, usage)) = options.limit.zip(evidence.usage.as_ref()) else {
        return decide_all(inventory, options, evidence);
    };
    let spending = Spending::new(inventory, options, evidence);
    let mut plan = match (limit, &evidence.disk) {
        (Limit::MaxSize(limit), _) => spending.down_to(limit, usage),
        (Limit::MinFree(room), Some(disk)) => spending.until(room.on(disk), disk, usage),
        (Limit::MinFree(_), None) => spending.plan(&HashSet::new()),
    };
    plan.note_usage(usage.measurement());
    plan
}

/// What a limit may remove in addition to what is removed anyway.
pub(super) struct Spending<'a> {
    inventory: &'a Inventory,
    options: &'a GcOptions,
    evidence: &'a Evidence,
    /// The plan that spends nothing.
    least: Plan,
    anyway: HashSet<Location>,
    /// Cheapest first.
    pub order: Vec<Location>,
}

impl<'a> Spending<'a> {
    pub fn new(inventory: &'a Inventory, options: &'a GcOptions, evidence: &'a Evidence) -> Self {
        let (least, anyway, order) = (Plan::default(), HashSet::new(), Vec::new());
        let nothing = Self { inventory, options, evidence, least, anyway, order };
        let all = inventory.entries.iter().map(|entry| entry.location.clone()).collect();
        let (least, most) = (nothing.plan(&HashSet::new()), nothing.plan(&all));
        let order = spending_order(&least, &most);
        let anyway = least.to_remove().into_iter().collect();
        Self { least, anyway, order, ..nothing }
    }

    /// The plan that gets the cache down to `limit`, or as close as possible.
    fn down_to(&self, limit: ByteSize, usage: &CacheUsage) -> Plan {
        let left =
            |plan: &Plan| usage.total_without(&plan.to_remove().into_iter().collect()).on_disk();
        let spent = spend(&self.order, |spent| left(&self.plan(spent)).at_least() <= limit);
        let plan = self.plan(&spent);
        let left = left(&plan);
        plan.leaving(left)
    }

    /// The plan that certainly makes this much space available, or as much as possible.
    fn until(&self, available: ByteSize, disk: &Disk, usage: &CacheUsage) -> Plan {
        let predicted = |plan: &Plan| {
            let entries = plan.removals().filter(|removal| matches!(removal.item, Item::Entry(_)));
            let entries = entries.map(|removal| removal.item.location());
            let freed = usage.measurement().reclaimable(entries).certain();
            ByteSize::b(disk.available.as_u64().saturating_add(freed.as_u64()))
        };
        let spent = spend(&self.order, |spent| predicted(&self.plan(spent)) >= available);
        let plan = self.plan(&spent);
        let stays = self.order.iter().filter(|at| spent.contains(at));
        let stays = stays.filter_map(|at| self.least.get(at)).cloned().collect();
        let target = Target::new(available, predicted(&plan), stays);
        plan.aiming_at(target)
    }

    /// The plan that spends this. An orphan is removed even if the newer build that replaced it is
    /// spent, too.
    pub fn plan(&self, spent: &HashSet<Location>) -> Plan {
        let evicted = [&self.options.evicted, &self.anyway, spent].into_iter().flatten();
        let evicted = evicted.cloned().collect();
        let options = GcOptions { evicted, ..self.options.clone() };
        decide_all(self.inventory, &options, self.evidence)
    }
}

fn decide_all(inventory: &Inventory, options: &GcOptions, evidence: &Evidence) -> Plan {
    let in_place = inventory.images().map(|(_, digest)| digest).collect();
    let reachability = Reachability::new(&inventory.refs.refs);
    let own = inventory.refs.refs.iter().filter(|found| found.former_file().is_none());
    let own = Reachability::new(own);
    let builds = builds(inventory, evidence);
    let mut collection = Collection {
        inventory,
        options,
        evidence,
        reachability,
        own,
        in_place,
        unreplaced: HashSet::new(),
    };
    collection.unreplaced = collection.find_unreplaced(&builds);
    let entries = inventory.entries.iter().filter(|entry| entry.kind != EntryKind::Foreign);
    let is_layer = |entry: &&Entry| matches!(entry.kind, EntryKind::Layer(_));
    let (layers, others): (Vec<_>, Vec<_>) = entries.partition(is_layer);
    let others = others.into_iter().map(|entry| {
        let verdict = collection.verdict(entry);
        let users = collection.users(entry);
        let item = Item::Entry(entry.clone());
        let identity = collection
            .is_orphan(entry)
            .then(|| Identity::new(&entry.location, &builds, &collection.reachability, evidence));
        let decision = decide(item, verdict, &collection.reachability, users, evidence);
        Decision { identity: identity.flatten(), ..decision }
    });
    let others: Vec<_> = others.collect();
    let layers = decide_layers(&layers, &others, inventory, options, evidence);
    let mut decisions = [others, layers].concat();
    let is_old = |found: &Ref| evidence.now.duration_since(found.modified) > REF_AGE;
    let refs = decide_refs(inventory, &decisions, is_old, evidence);
    decisions.extend(refs);
    Plan::new(decisions)
}

/// Decides about layers. Which ones are needed follows from the decisions about everything else.
fn decide_layers(
    layers: &[&Entry],
    others: &[Decision],
    inventory: &Inventory,
    options: &GcOptions,
    evidence: &Evidence,
) -> Vec<Decision> {
    let staying = others.iter().filter(|decision| !decision.verdict.removes());
    let staying: Vec<_> = staying.filter_map(|decision| decision.item.rootfs()).collect();
    let locations: HashSet<_> = staying.iter().map(|entry| &entry.location).collect();
    let pulls = staying.iter().filter(|entry| entry.is_extraction());
    let pulls: HashSet<_> = pulls.map(|entry| &entry.location).collect();
    let timeline = Timeline::new(inventory, &evidence.lifetimes);
    let pulls = timeline.staying(|image| pulls.contains(image));
    let staying = timeline.staying(|image| locations.contains(image));
    let decide_layer = |layer: &&Entry| {
        let layer_status = staying.layer_status(layer);
        let is_pulled = pulls.may_use(layer);
        let is_used = evidence.in_use.as_ref().map(|users| !users.get(&layer.location).is_empty());
        let is_recent = options.is_recent(layer.last_used, evidence.now);
        let choice = options.choice_for(&layer.location);
        let verdict = match inventory.begun.contains(&layer.location) {
            true if is_used == Some(false) => Verdict::Remove(RemoveReason::InterruptedGc),
            _ => layers::verdict(&layer_status, choice, is_used, is_pulled, is_recent),
        };
        let users = evidence.users(&layer.location).to_vec();
        let item = Item::Entry((*layer).clone());
        let decision = decide(item, verdict, &Reachability::new(&[]), users, evidence);
        Decision { layer_status: Some(layer_status), ..decision }
    };
    layers.iter().map(decide_layer).collect()
}

struct Collection<'a> {
    inventory: &'a Inventory,
    options: &'a GcOptions,
    evidence: &'a Evidence,
    reachability: Reachability<'a>,
    /// Without the refs that an interrupted gc had hidden: they share the fate of their images.
    own: Reachability<'a>,
    /// The images under their own names, including those to be restored.
    in_place: HashSet<&'a Digest>,
    /// The orphans kept because nothing has replaced them.
    unreplaced: HashSet<&'a Location>,
}

impl<'a> Collection<'a> {
    fn verdict(&mut self, entry: &'a Entry) -> Verdict {
        match &entry.kind {
            EntryKind::Image(_) => self.image(entry),
            EntryKind::Leftover(Leftover::Hidden(digest)) => self.hidden(entry, digest),
            EntryKind::Leftover(Leftover::Dead) => Verdict::Remove(RemoveReason::InterruptedGc),
            EntryKind::Leftover(Leftover::Extraction) => self.extraction(entry),
            // Layers are decided after everything else, foreign entries never.
            EntryKind::Layer(_) | EntryKind::Foreign => Verdict::Keep(KeepReason::Unknown),
        }
    }

    fn image(&self, entry: &Entry) -> Verdict {
        let keep = match (self.is_orphan(entry), self.unreplaced.contains(&entry.location)) {
            (false, _) => Some(KeepReason::Referenced),
            (true, true) => Some(KeepReason::Unreplaced),
            (true, false) => None,
        };
        if keep.is_none() && self.needed(entry).is_none() && self.is_begun(entry) {
            // It is no longer whole, and looks recent only because files were removed from it.
            return Verdict::Remove(RemoveReason::InterruptedGc);
        }
        let reason = if keep.is_some() { self.wish(entry) } else { Some(RemoveReason::Orphan) };
        match (keep, reason, self.keeps_for_now(entry)) {
            (Some(keep), None, _) => Verdict::Keep(keep),
            (_, _, Some(why)) => Verdict::Keep(why),
            (_, reason, None) => Verdict::Remove(reason.unwrap_or(RemoveReason::Orphan)),
        }
    }

    /// Whether it is an image without a reference.
    fn is_orphan(&self, entry: &Entry) -> bool {
        matches!(&entry.kind, EntryKind::Image(digest) if !self.reachability.contains(digest.entry_name()))
    }

    /// Why an image must be kept right now, referenced or not.
    fn keeps_for_now(&self, entry: &Entry) -> Option<KeepReason> {
        let is_arriving = self.is_orphan(entry) && self.evidence.is_arriving(entry);
        let recent = self.is_recent(entry).then_some(KeepReason::Recent);
        self.needed(entry).or(recent).or(is_arriving.then_some(KeepReason::Arriving))
    }

    fn find_unreplaced(&self, builds: &Builds<'_>) -> HashSet<&'a Location> {
        if self.options.all {
            return HashSet::new();
        }
        let images = self.inventory.images().map(|(image, _)| image);
        let holds_mount = |image: &Entry| {
            self.evidence
                .mounts
                .as_ref()
                .is_some_and(|mounts| mounts.get(&image.location).is_some())
        };
        let goes = |image: &&Entry| self.keeps_for_now(image).is_none() && !holds_mount(image);
        let (orphans, staying): (Vec<_>, Vec<_>) = images
            .filter(|image| !self.is_begun(image))
            .partition(|image| self.is_orphan(image) && goes(image));
        let goes_by_wish = |image: &&Entry| self.wish(image).is_some() && goes(image);
        let staying = staying.into_iter().filter(|image| !goes_by_wish(image));
        let staying = staying.map(|image| &image.location).collect();
        unreplaced(orphans, staying, builds, self.evidence)
    }

    /// Why an image is removed although it is referenced or unreplaced, if it is.
    fn wish(&self, image: &Entry) -> Option<RemoveReason> {
        let age = self.evidence.now.duration_since(image.last_used);
        if self.options.keep_wanted || self.is_excluded(image) {
            None
        } else if self.options.unused_for.is_some_and(|limit| age >= limit) {
            Some(RemoveReason::Unused)
        } else if self.options.evicted.contains(&image.location) {
            Some(self.options.reason_to_evict())
        } else {
            None
        }
    }

    fn is_excluded(&self, image: &Entry) -> bool {
        let names = self.reachability.get(&image.location.name);
        let mut names = names.iter().filter_map(|found| found.image.as_deref());
        names.any(|name| self.options.exclude.iter().any(|pattern| pattern.matches(name)))
    }

    fn is_begun(&self, entry: &Entry) -> bool {
        self.inventory.begun.contains(&entry.location)
    }

    fn is_recent(&self, entry: &Entry) -> bool {
        self.options.is_recent(entry.last_used, self.evidence.now)
    }

    fn extraction(&self, entry: &Entry) -> Verdict {
        let age = self
            .evidence
            .activity
            .get(&entry.location)
            .map(|change| self.evidence.now.duration_since(change));
        match (self.evidence.in_use.as_ref(), age) {
            (_, Some(age)) if age < self.options.temp_age && !self.options.temp_age.is_zero() => {
                Verdict::Keep(KeepReason::Recent)
            }
            (Some(_), _) if !self.users(entry).is_empty() => Verdict::Keep(KeepReason::InUse),
            (Some(_), Some(_)) => Verdict::Remove(RemoveReason::AbandonedTemp),
            _ => Verdict::Keep(KeepReason::Unknown),
        }
    }

    /// A needed image is restored, unless another copy has taken its place.
    fn hidden(&mut self, entry: &Entry, digest: &'a Digest) -> Verdict {
        let is_used = !self.evidence.users(&entry.location).is_empty();
        let reason = if self.own.contains(digest.entry_name()) {
            Some(KeepReason::Referenced)
        } else {
            self.needed(entry)
        };
        let recent = self.is_recent(entry).then_some(KeepReason::Recent);
        match reason.or(recent) {
            Some(KeepReason::Unknown) => Verdict::Keep(KeepReason::Unknown),
            Some(reason) if self.in_place.insert(digest) => Verdict::Restore(reason),
            _ if is_used => Verdict::Keep(KeepReason::InUse),
            _ => Verdict::Remove(RemoveReason::InterruptedGc),
        }
    }

    /// Why a whole image is needed even without a readable ref.
    fn needed(&self, entry: &Entry) -> Option<KeepReason> {
        if !self.inventory.refs.unreadable.is_empty() {
            Some(KeepReason::Unknown)
        } else if self.evidence.leases.contains(&entry.location.name) {
            Some(KeepReason::Leased)
        } else if !self.users(entry).is_empty() {
            Some(KeepReason::InUse)
        } else if self.evidence.in_use.is_none() {
            Some(KeepReason::Unknown)
        } else {
            None
        }
    }

    /// The processes that use an entry. A process started with an image's path still refers to the
    /// name from before the image was hidden.
    fn users(&self, entry: &Entry) -> Vec<UsingProcess> {
        let mut users = self.evidence.users(&entry.location).to_vec();
        if let EntryKind::Leftover(Leftover::Hidden(digest)) = &entry.kind
            && !self.inventory.images().any(|(_, image)| image == digest)
        {
            let name = digest.entry_name().clone();
            users.extend_from_slice(self.evidence.users(&Location { name, ..entry.location }));
            users.sort();
            users.dedup();
        }
        users
    }
}
