//! Measures trees of a cache, or all of it, and reports the progress.

use std::collections::HashSet;

use super::reporter::Reporter;
use crate::cache::{Cache, Inventory, Location};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::Plan;
use crate::usage::{CacheUsage, Measurement, Meter};

/// Measures some trees of a plan.
pub(super) fn measure_planned(
    cache: &Cache,
    plan: &Plan,
    trees: &[Location],
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Measurement> {
    if trees.is_empty() {
        return Ok(Measurement::default());
    }
    let others = plan.entries_besides(&trees.iter().collect::<HashSet<_>>());
    measure(cache, Meter::new(jobs).with_extents(), trees, &others, reporter)
}

/// Measures `trees`, and finds other owners of their data: `others` in the same cache, and the
/// clones of microVMs.
///
/// # Errors
/// Fails if the threads cannot be started, or the reporter stopped the measurement.
pub fn measure(
    cache: &Cache,
    meter: Meter,
    trees: &[Location],
    others: &[Location],
    reporter: &mut dyn Reporter,
) -> Result<Measurement> {
    let stop = reporter.stop();
    let mut watch = |progress: &_| reporter.measuring(progress);
    let mut found = meter.measure(cache, trees, &stop, &mut watch)?;
    meter.find_outside_holders(cache, &mut found, others, &stop)?;
    Ok(found)
}

/// Measures everything in `inventory`.
///
/// # Errors
/// See [`measure`].
pub fn measure_cache(
    cache: &Cache,
    inventory: &Inventory,
    meter: Meter,
    reporter: &mut dyn Reporter,
) -> Result<CacheUsage> {
    let stop = reporter.stop();
    let mut watch = |progress: &_| reporter.measuring(progress);
    CacheUsage::measure(cache, inventory, &meter, &stop, &mut watch)
}
