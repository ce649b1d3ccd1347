//! `bbox cache list`: what is in the cache, and how big it is.

mod json;
mod judgement;
mod listing;
pub mod row;
mod summary;
mod table;

use super::args::{Format, List, Sort};
use super::census::take_census;
use super::context::Context;
use super::failure::{Ending, Failure, refuse};
use super::ui::json::document;
use crate::cache::{Cache, Inventory};
use crate::usage::Census;
use judgement::Judgement;
use listing::Listing;

pub fn run(context: &Context<'_>, args: &List) -> Result<Ending, Failure> {
    if args.no_sizes && args.sort == Sort::Size {
        return refuse("--sort size needs the sizes that --no-sizes leaves out");
    }
    let mut inventory = Inventory::default();
    let mut census = needs_sizes(context, args).then(Census::default);
    let mut judgement = Judgement::default();
    if let Some(cache) = Cache::open(&context.cache_dir)? {
        inventory = cache.inventory()?;
        if census.is_some() {
            census = Some(take_census(context, &cache, &inventory, args.sizes)?);
        }
        judgement = match census.is_some() || context.format == Format::Json {
            true => Judgement::new(&cache, &inventory, census.as_ref()),
            false => Judgement::of_names(&inventory),
        };
    }
    let listing = Listing::new(context, &inventory, census.as_ref(), &judgement, args);
    show(context, args, &listing)?;
    Ok(if listing.is_complete() { Ending::Done } else { Ending::Incomplete })
}

/// Walking everything is the expensive part: not for a list that shows no sizes anyway.
fn needs_sizes(context: &Context<'_>, args: &List) -> bool {
    let shows_digests_only = context.console.quiet && context.format == Format::Table;
    !args.no_sizes && (!shows_digests_only || args.sort == Sort::Size)
}

fn show(context: &Context<'_>, args: &List, listing: &Listing<'_>) -> Result<(), Failure> {
    let console = context.console;
    match context.format {
        Format::Json => return Ok(console.write(document(&json::Document::new(listing)))?),
        Format::Table if console.quiet => console.write(table::digests(listing))?,
        Format::Table => {
            let width = console.width().filter(|_| !args.no_trunc);
            console.write(table::render(listing, args, width))?;
        }
    }
    listing.warnings().iter().for_each(|warning| console.warn(warning));
    Ok(())
}
