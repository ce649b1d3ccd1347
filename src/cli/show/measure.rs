//! The image, and perhaps its layers, measured.

use std::collections::HashSet;

use crate::cache::{Cache, Entry, Inventory};
use crate::cli::args::Show;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::measure::{label, measure as measure_trees};
use crate::usage::Measurement;

/// The place of the image among what is measured. Its layers come behind it.
pub const IMAGE: usize = 0;

/// Measures an image and the layers at these places in the inventory, and looks who else holds what is
/// in them.
pub fn measure(
    context: &Context<'_>,
    args: &Show,
    cache: &Cache,
    inventory: &Inventory,
    image: &Entry,
    layers: &[usize],
) -> Result<Measurement, Failure> {
    let layers = layers.iter().map(|&place| &inventory.entries[place]);
    let entries: Vec<_> = std::iter::once(image).chain(layers).collect();
    let trees: Vec<_> = entries.iter().map(|entry| entry.location.clone()).collect();
    let chosen: HashSet<_> = trees.iter().collect();
    let others = inventory.entries.iter().map(|entry| &entry.location);
    let others: Vec<_> = others.filter(|other| !chosen.contains(other)).cloned().collect();
    let largest_files = if args.files { args.top } else { 0 };
    let meter = context.meter().with_extents().with_breakdown(largest_files);
    let names = entries.into_iter().map(label).collect();
    measure_trees(context, cache, meter, &trees, names, &others)
}
