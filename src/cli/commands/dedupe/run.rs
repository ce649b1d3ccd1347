//! Runs the command, from its arguments to a report.

use std::collections::HashSet;

use super::print::tell;
use super::report::Report;
use crate::cache::{Cache, Entry, EntryKind, Inventory, Location, LockedCache};
use crate::cli::args::Dedupe;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::find_image::{choose_all, no_cache};
use crate::cli::measure::Measuring;
use crate::cli::named_cache;
use crate::cli::removal;
use crate::cli::ui::bars::{LookBar, ShareBar};
use crate::dedupe::{self, Options, Plan};
use crate::gc;
use crate::plan::GcOptions;

pub fn run(context: &Context<'_>, args: &Dedupe) -> Result<Ending, Failure> {
    let Some(cache) = named_cache::open(context)? else { return no_such_cache(context, args) };
    if args.dry_run {
        return match prepare(context, args, &cache)? {
            None => impossible(context, true),
            Some((plan, inventory)) => tell(context, &Report::of_plan(&plan, &inventory, true)),
        };
    }
    match removal::open_locked(context, args.no_wait)? {
        None => no_such_cache(context, args),
        Some(cache) => share(context, args, &cache),
    }
}

fn no_such_cache(context: &Context<'_>, args: &Dedupe) -> Result<Ending, Failure> {
    match args.images.first() {
        Some(image) => Err(no_cache(context, image).into()),
        None => impossible(context, args.dry_run),
    }
}

fn share(context: &Context<'_>, args: &Dedupe, cache: &LockedCache) -> Result<Ending, Failure> {
    let Some((plan, inventory)) = prepare(context, args, cache)? else {
        return impossible(context, false);
    };
    if plan.is_empty() {
        return tell(context, &Report::of_plan(&plan, &inventory, false));
    }
    let (stop, mut bar) = (context.signals.stop(), ShareBar::new(context.console));
    let outcome =
        dedupe::run(cache, &plan, context.jobs, &stop, &mut |progress| bar.show(progress));
    drop(bar);
    tell(context, &Report::of_outcome(&plan, &outcome?, &inventory))
}

fn impossible(context: &Context<'_>, dry_run: bool) -> Result<Ending, Failure> {
    tell(context, &Report::impossible(&Inventory::default(), dry_run))
}

/// The plan and the contents of the cache; `None` if files cannot share data.
fn prepare(
    context: &Context<'_>,
    args: &Dedupe,
    cache: &Cache,
) -> Result<Option<(Plan, Inventory)>, Failure> {
    if !dedupe::is_possible(cache)? {
        return Ok(None);
    }
    let mut measuring = Measuring::new(context);
    let draft = gc::plan(cache, &GcOptions::default(), context.jobs, &mut measuring)?;
    drop(measuring);
    named_cache::check_content(context, &draft.inventory)?;
    let min_size = args.min_size.unwrap_or_default();
    let options = Options { min_size, only: only(context, args, &draft.inventory)? };
    let (stop, mut bar) = (context.signals.stop(), LookBar::new(context.console));
    let mut watch = |progress: &_| bar.show(progress);
    let plan = dedupe::plan(cache, &draft, &options, context.jobs, &stop, &mut watch)?;
    Ok(Some((plan, draft.inventory)))
}

/// The chosen images, and all layers, since an image repeats its layers.
fn only(
    context: &Context<'_>,
    args: &Dedupe,
    inventory: &Inventory,
) -> Result<Option<HashSet<Location>>, Failure> {
    if args.images.is_empty() {
        return Ok(None);
    }
    let chosen = choose_all(context, inventory, &args.images)?;
    let is_meant = |entry: &&Entry| match &entry.kind {
        EntryKind::Image(digest) => chosen.contains(digest),
        kind => matches!(kind, EntryKind::Layer(_)),
    };
    let entries = inventory.entries.iter().filter(is_meant);
    Ok(Some(entries.map(|entry| entry.location.clone()).collect()))
}
