//! From an inventory to a plan.

use std::collections::HashSet;

use bytesize::ByteSize;
use jiff::SignedDuration;

use super::decision::{Decision, Item, decide};
use super::decisions::Plan;
use super::evidence::Evidence;
use super::identity::Identity;
use super::layers;
use super::options::{GcOptions, Limit};
use super::reachability::Reachability;
use super::reason::{RemoveReason, Verdict};
use super::refs::decide_refs;
use super::spending::{spend, spending_order};
use super::target::Target;
use super::timeline::Timeline;
use super::unreplaced::builds;
use super::verdicts::Collection;
use crate::cache::{Disk, Entry, EntryKind, Inventory, Location, Ref};
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
