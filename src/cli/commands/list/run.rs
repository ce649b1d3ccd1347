//! Runs the command, from its arguments to its exit code.

use super::listing::{Findings, Listing};
use super::table::Page;
use super::{json, table};
use crate::cache::{Cache, Inventory};
use crate::cli::args::{Format, List, Sort};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::find_image::{choose_all, no_cache};
use crate::cli::measure::Measuring;
use crate::cli::named_cache;
use crate::cli::ui::json::document;
use crate::gc;
use crate::usage::CacheUsage;

pub fn run(context: &Context<'_>, args: &List) -> Result<Ending, Failure> {
    if args.no_sizes && args.sort == Sort::Size {
        return refuse("--sort size cannot be used with --no-sizes");
    }
    if context.console.verbose {
        return refuse("list has no --verbose; use --sizes for the full report");
    }
    let mut inventory = Inventory::default();
    let mut cache_usage = needs_sizes(context, args).then(CacheUsage::default);
    let mut found = Findings::nothing();
    let mut chosen = None;
    let cache = named_cache::open(context)?;
    if let (None, Some(first)) = (&cache, args.images.first()) {
        return Err(no_cache(context, first).into());
    }
    if let Some(cache) = cache {
        inventory = cache.inventory()?;
        named_cache::check_content(context, &inventory)?;
        if !args.images.is_empty() {
            chosen = Some(choose_all(context, &inventory, &args.images)?);
        }
        if cache_usage.is_some() {
            cache_usage = Some(measure(context, &cache, &inventory, args.sizes)?);
        }
        if !shows_digests_only(context) {
            found = Findings::new(&cache, &inventory, cache_usage.as_ref());
            if let Some(usage) = &cache_usage {
                found = found.measure(context, &cache, usage)?;
            }
            if args.sizes {
                found = found.look_into_images(&cache, &inventory);
            }
        }
    }
    let chosen = chosen.as_ref();
    let listing = Listing::new(context, &inventory, cache_usage.as_ref(), &found, chosen, args);
    show(context, args, &listing)?;
    Ok(if listing.is_complete() { Ending::Done } else { Ending::Incomplete })
}

/// Measures everything in the cache, with shared data if `reads_extents`.
fn measure(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    reads_extents: bool,
) -> Result<CacheUsage, Failure> {
    let meter = if reads_extents { context.meter().with_extents() } else { context.meter() };
    Ok(gc::measure_cache(cache, inventory, meter, &mut Measuring::new(context))?)
}

fn shows_digests_only(context: &Context<'_>) -> bool {
    context.console.quiet && context.format == Format::Table
}

/// Walking everything is the expensive part, so it is skipped if no sizes are needed.
fn needs_sizes(context: &Context<'_>, args: &List) -> bool {
    !args.no_sizes && (!shows_digests_only(context) || args.sort == Sort::Size)
}

fn show(context: &Context<'_>, args: &List, listing: &Listing<'_>) -> Result<(), Failure> {
    let console = context.console;
    match context.format {
        Format::Json => {
            return Ok(console.write_raw(document(&json::Document::new(listing)).as_bytes())?);
        }
        Format::Table if console.quiet => console.write(table::digests(listing))?,
        Format::Table => console.write(Page::new(listing, args, console.width()).render())?,
    }
    listing.warnings().iter().for_each(|warning| console.warn(warning));
    Ok(())
}
