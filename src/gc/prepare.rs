//! Makes plans for a cache.

use std::collections::HashSet;

use jiff::Timestamp;

use super::draft::Draft;
use super::gather::{gather, gather_all};
use super::measure::measure_cache;
use super::reporter::Reporter;
use crate::cache::{Cache, Digest, Inventory};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::{self, Activity, Evidence, GcOptions, Limit, Plan};
use crate::usage::{CacheUsage, Measurement, Meter};

/// Plans a collection.
///
/// # Errors
/// Fails if the cache cannot be listed, a ref is unreadable (it may point at any image), the
/// threads cannot be started, or the reporter stopped it. Anything else that is unreadable is among
/// the problems of inventory and evidence.
pub fn plan(
    cache: &Cache,
    options: &GcOptions,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Draft> {
    let inventory = readable_inventory(cache)?;
    let mut evidence = gather_all(cache, &inventory, jobs, reporter)?;
    if matches!(options.limit, Some(Limit::MinFree(_))) {
        evidence.disk = Some(cache.settled_disk()?);
    }
    if options.limit.is_some() {
        let meter = Meter::new(jobs).with_extents();
        evidence.usage = Some(measure_cache(cache, &inventory, meter, reporter)?);
    }
    let plan = plan::gc(&inventory, options, &evidence);
    Ok(Draft { plan, inventory, evidence })
}

/// Plans a collection with default options, of a cache that is listed and perhaps measured already.
/// For commands that show what a gc would do.
pub fn plan_listed(
    cache: &Cache,
    inventory: &Inventory,
    usage: Option<&CacheUsage>,
) -> (Plan, Evidence) {
    let activity = usage.map(|usage| activity(inventory, usage.measurement())).unwrap_or_default();
    let evidence = gather(cache, inventory, Timestamp::now(), activity);
    (plan::gc(inventory, &GcOptions::default(), &evidence), evidence)
}

/// When the extractions last changed.
fn activity(inventory: &Inventory, measured: &Measurement) -> Activity {
    let extractions = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let changes =
        extractions.map(|entry| (entry.location.clone(), measured.newest_change(&entry.location)));
    Activity::new(&changes.collect::<Vec<_>>())
}

/// Plans the removal of the images that `choose` picks from the inventory; see [`plan::rm`].
///
/// # Errors
/// See [`plan()`]; also returns any error of `choose`.
pub fn plan_rm<E: From<crate::Error>>(
    cache: &Cache,
    choose: impl FnOnce(&Inventory) -> std::result::Result<HashSet<Digest>, E>,
    despite_lease: bool,
) -> std::result::Result<Draft, E> {
    let inventory = readable_inventory(cache)?;
    let chosen = choose(&inventory)?;
    let evidence = gather(cache, &inventory, Timestamp::now(), Activity::default());
    let plan = plan::rm(&inventory, &chosen, despite_lease, &evidence);
    Ok(Draft { plan, inventory, evidence })
}

/// Plans the removal of everything; see [`plan::purge`].
///
/// # Errors
/// Fails if the cache cannot be listed.
pub fn plan_purge(cache: &Cache) -> Result<Draft> {
    let inventory = cache.inventory()?;
    let evidence = gather(cache, &inventory, Timestamp::now(), Activity::default());
    let plan = plan::purge(&inventory, &evidence);
    Ok(Draft { plan, inventory, evidence })
}

/// The contents of the cache, provided that all references are readable.
fn readable_inventory(cache: &Cache) -> Result<Inventory> {
    let mut inventory = cache.inventory()?;
    inventory.refs = inventory.refs.into_readable()?;
    Ok(inventory)
}
