//! How many images go so that the cache is as small as the user wants it.

use std::collections::HashSet;

use bytesize::ByteSize;

use super::context::Context;
use super::failure::Failure;
use super::measure::{measure_cache, unread};
use super::removal::Report;
use super::ui::units::{bytes, size};
use crate::cache::{Cache, Inventory, Location};
use crate::plan::{self, Evidence, GcOptions, Plan, evictable, fit};
use crate::usage::{CacheUsage, Size};

/// The plan by which the cache occupies `limit` at most, if that can be had: besides what goes
/// anyway, the images that were used least recently.
pub fn plan(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    options: GcOptions,
    evidence: &Evidence,
    limit: ByteSize,
    report: &mut Report,
) -> Result<Plan, Failure> {
    let census = measure_cache(context, cache, inventory, true)?;
    report.problems.extend(unread(&census));
    let evicting = |evicted: &HashSet<Location>| {
        let options = GcOptions { evicted: evicted.clone(), ..options.clone() };
        plan::gc(inventory, &options, evidence)
    };
    let candidates = evictable(&plan::gc(inventory, &options, evidence));
    let (evicted, left) = fit(&candidates, limit, |gone| staying(&census, &evicting(gone)));
    if left.at_least() > limit {
        report.warn(
            context,
            format!(
                "{} stays, more than {}: what is left is in use, leased, used just now, or no image",
                size(left),
                bytes(limit)
            ),
        );
    }
    Ok(evicting(&evicted))
}

/// What the cache occupies without what `plan` removes.
fn staying(census: &CacheUsage, plan: &Plan) -> Size {
    census.total_without(&plan.to_remove().into_iter().collect()).on_disk()
}
