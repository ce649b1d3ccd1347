//! The image, and perhaps its layers, measured.

use std::collections::HashSet;

use crate::cache::{Cache, Inventory, Location};
use crate::cli::args::Show;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::measure::measure as measure_trees;
use crate::usage::Measurement;

/// Measures an image and some of its layers, and looks who else holds what is in them.
pub fn measure(
    context: &Context<'_>,
    args: &Show,
    cache: &Cache,
    inventory: &Inventory,
    image: &Location,
    layers: &[&Location],
) -> Result<Measurement, Failure> {
    let trees: Vec<_> = std::iter::once(image).chain(layers.iter().copied()).cloned().collect();
    let chosen: HashSet<_> = trees.iter().collect();
    let others = inventory.entries.iter().map(|entry| &entry.location);
    let others: Vec<_> = others.filter(|other| !chosen.contains(other)).cloned().collect();
    let largest_files = if args.files { args.top } else { 0 };
    let meter = context.meter().with_extents().with_breakdown(largest_files);
    measure_trees(context, cache, meter, &trees, &others)
}
