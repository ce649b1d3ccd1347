//! Trees of a cache, or all of it, measured with bars.

use std::collections::HashSet;

use super::context::Context;
use super::failure::Failure;
use super::ui::bars::MeasureBars;
use super::warnings::unread_in_tree;
use crate::cache::{Cache, Inventory, Location, VmClones};
use crate::usage::{CacheUsage, Measurement, Meter};

/// Measures `trees`, and looks who else holds what is in them: `others` of the same cache, and the
/// clones of microVMs.
pub fn measure(
    context: &Context<'_>,
    cache: &Cache,
    meter: Meter,
    trees: &[Location],
    others: &[Location],
) -> Result<Measurement, Failure> {
    let (stop, clones) = (context.signals.stop(), VmClones::of_user());
    let mut bars = MeasureBars::new(context.console);
    let mut found = meter.measure(cache, trees, &stop, &mut |progress| bars.show(progress))?;
    meter.find_outside_holders(cache, &mut found, others, clones.as_ref(), &stop)?;
    Ok(found)
}

/// Measures everything that `inventory` lists, and what files share, if that is wanted.
pub fn measure_cache(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    reads_extents: bool,
) -> Result<CacheUsage, Failure> {
    let meter = if reads_extents { context.meter().with_extents() } else { context.meter() };
    let (stop, clones) = (context.signals.stop(), VmClones::of_user());
    let mut bars = MeasureBars::new(context.console);
    let mut watch = |progress: &_| bars.show(progress);
    Ok(CacheUsage::measure(cache, inventory, &meter, clones.as_ref(), &stop, &mut watch)?)
}

/// What could not be read of the cache, safe to print. Whatever else lies there, such as `lost+found`, may be closed to
/// its user.
pub fn unread(inventory: &Inventory, cache_usage: &CacheUsage) -> Vec<String> {
    let foreign: HashSet<_> = inventory.foreign().collect();
    let trees = cache_usage.measurement().all_problems();
    let trees = trees.filter(|(location, _)| !foreign.contains(location));
    let trees = trees.flat_map(|(_, problems)| unread_in_tree(problems));
    cache_usage.problems().iter().map(ToString::to_string).chain(trees).collect()
}
