//! The whole cache measured, with bars.

use super::context::Context;
use super::failure::Failure;
use super::measure::label;
use super::problems;
use super::ui::bars::{MeasureFace, watch};
use crate::cache::{Cache, Guests, Inventory};
use crate::usage::{CacheUsage, Progress};

/// Measures everything that `inventory` lists, and what files share, if that is wanted.
pub fn take_census(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    reads_extents: bool,
) -> Result<CacheUsage, Failure> {
    let progress = Progress::new(CacheUsage::locations(inventory).len(), context.signals.stop());
    let names = inventory.entries.iter().map(label);
    let names = names.chain(["refs".to_owned()]).collect();
    let meter = if reads_extents { context.meter().with_extents() } else { context.meter() };
    let guests = Guests::of_user();
    let mut face = MeasureFace::new(context.console, &progress, names);
    let take = || CacheUsage::measure(cache, inventory, &meter, guests.as_ref(), &progress);
    Ok(watch(&mut face, |_events| take())??)
}

/// What could not be read, safe to print.
pub fn unread(census: &CacheUsage) -> Vec<String> {
    let measured = census.measurement();
    let trees = (0..measured.trees()).flat_map(|tree| problems::lines(measured.problems(tree)));
    census.problems().iter().map(ToString::to_string).chain(trees).collect()
}
