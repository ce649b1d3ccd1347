//! `bbox cache gc`: removes what nothing references, and what the user wants to have no longer.

use std::collections::HashSet;

use jiff::Timestamp;

use super::args::{Gc, Layers};
use super::context::Context;
use super::doubt;
use super::failure::{Ending, Failure};
use super::max_size;
use super::removal::{self, Errand, Report};
use crate::cache::{Cache, Inventory};
use crate::plan::{Conditions, LayerChoice, Plan, collect, evictable};

pub fn run(context: &Context<'_>, args: &Gc) -> Result<Ending, Failure> {
    let drops_referenced = args.unused_for.is_some() || args.max_size.is_some();
    let errand = Errand {
        context,
        dry_run: args.dry_run,
        asks: drops_referenced && !args.yes,
        no_wait: args.no_wait,
        make_plan: |cache: &Cache, report: &mut Report| make_plan(context, args, cache, report),
    };
    errand.run(|mut report, cache| {
        let has_time = !context.console.quiet && !context.signals.stop().is_raised();
        if let Some(cache) = cache.filter(|_| has_time && !args.dry_run) {
            report.look_at_layers(context, cache);
        }
        report.finish(context)
    })
}

fn make_plan(
    context: &Context<'_>,
    args: &Gc,
    cache: &Cache,
    report: &mut Report,
) -> Result<Plan, Failure> {
    let inventory = removal::readable_inventory(context, cache, report)?;
    for invalid in &inventory.refs.invalid {
        report.warn(context, invalid.warning(cache.path()));
    }
    if let Some(warning) = doubt::warning(&inventory, &context.cache_dir) {
        report.warn(context, warning);
    }
    let mut given = conditions(context, args, cache, &inventory, report)?;
    match args.max_size {
        Some(limit) => max_size::plan(context, cache, &inventory, &mut given, limit, report),
        None => Ok(collect(&inventory, &given)),
    }
}

/// Looking at every process takes longer than all the rest: only if there is something to lose.
fn conditions(
    context: &Context<'_>,
    args: &Gc,
    cache: &Cache,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<Conditions, Failure> {
    let given = Conditions::at(Timestamp::now());
    let activity = removal::activity(context, cache, inventory, report)?;
    let lifetimes = cache.lifetimes(inventory);
    if args.layers.is_some() {
        report.problems.extend(lifetimes.problems.iter().map(ToString::to_string));
    }
    let mut given = Conditions {
        keep_recent: args.keep_recent,
        unused_for: args.unused_for,
        temp_age: args.temp_age,
        layers: choice(args.layers),
        lifetimes,
        activity,
        ..given
    };
    let plan = collect(inventory, &given);
    let mut candidates: HashSet<_> = plan.doomed().into_iter().collect();
    if args.max_size.is_some() {
        candidates.extend(evictable(&plan));
    }
    if !candidates.is_empty() {
        let images = inventory.images().map(|(image, _)| &image.location);
        let images = images.filter(|image| candidates.contains(image));
        given.leases = cache.leases(images.map(|image| &image.name));
        given.users = removal::users(context, cache, report)?;
        given.mounts = cache.mounts()?;
    }
    Ok(given)
}

fn choice(layers: Option<Layers>) -> LayerChoice {
    match layers {
        None => LayerChoice::None,
        Some(Layers::Unreferenced) => LayerChoice::Unreferenced,
        Some(Layers::All) => LayerChoice::All,
    }
}
