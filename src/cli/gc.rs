//! `bbox cache gc`: removes what nothing references.

use jiff::Timestamp;

use super::args::{Gc, Layers};
use super::context::Context;
use super::doubt;
use super::failure::{Ending, Failure};
use super::layers::collect_with_content;
use super::removal::{self, Report};
use crate::cache::{Cache, CacheLock, Inventory};
use crate::plan::{Conditions, LayerChoice, Plan, collect};

pub fn run(context: &Context<'_>, args: &Gc) -> Result<Ending, Failure> {
    let mut report = Report::new(args.dry_run);
    let Some((cache, lock)) = open(context, args)? else { return report.finish(context) };
    let inventory = readable_inventory(context, &cache)?;
    report.problems = inventory.problems.iter().map(ToString::to_string).collect();
    for invalid in &inventory.refs.invalid {
        report.warn(context, invalid.warning(cache.path()));
    }
    if let Some(warning) = doubt::warning(&inventory, &context.cache_dir) {
        report.warn(context, warning);
    }
    report.plan = make_plan(context, args, &cache, &inventory, &mut report)?;
    match lock {
        // The sweep counts by itself what it frees.
        Some(lock) => {
            removal::carry_out(context, &cache, &lock, &mut report)?;
            if !context.console.quiet && !context.signals.stop().is_raised() {
                report.look_at_layers(context, &cache);
            }
        }
        None => {
            let (doomed, layers) = removal::with_layers(context, &cache, &mut report.plan)?;
            (report.reclaimable, report.layers) = (doomed, Some(layers));
        }
    }
    report.finish(context)
}

/// A dry run only looks, and needs no lock.
fn open(context: &Context<'_>, args: &Gc) -> Result<Option<(Cache, Option<CacheLock>)>, Failure> {
    if args.dry_run {
        return Ok(Cache::open(&context.cache_dir)?.map(|cache| (cache, None)));
    }
    let locked = removal::open_locked(context, args.no_wait)?;
    Ok(locked.map(|(cache, lock)| (cache, Some(lock))))
}

fn readable_inventory(context: &Context<'_>, cache: &Cache) -> Result<Inventory, Failure> {
    let inventory = cache.settled_inventory(&context.signals.stop())?;
    let refs = inventory.refs.into_readable()?;
    Ok(Inventory { refs, ..inventory })
}

/// Looking at every process takes longer than all the rest: only if there is something to lose.
fn make_plan(
    context: &Context<'_>,
    args: &Gc,
    cache: &Cache,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<Plan, Failure> {
    let given = Conditions::at(Timestamp::now());
    let activity = removal::activity(context, cache, inventory, report)?;
    let lifetimes = cache.lifetimes(inventory);
    if args.layers.is_some() {
        report.problems.extend(lifetimes.problems.iter().map(ToString::to_string));
    }
    let mut given = Conditions {
        keep_recent: args.keep_recent,
        temp_age: args.temp_age,
        layers: choice(args.layers),
        lifetimes,
        activity,
        ..given
    };
    let plan = collect(inventory, &given);
    if plan.removals().next().is_some() {
        let images = plan.removals().map(|(_, decision)| &decision.item);
        let images = images.filter(|item| item.is_image_in_place());
        given.leases = cache.leases(images.map(|item| &item.location().name));
        given.users = removal::users(context, cache, report)?;
        given.mounts = cache.mounts()?;
    }
    Ok(collect_with_content(cache, inventory, &mut given))
}

fn choice(layers: Option<Layers>) -> LayerChoice {
    match layers {
        None => LayerChoice::None,
        Some(Layers::Unreferenced) => LayerChoice::Unreferenced,
        Some(Layers::All) => LayerChoice::All,
    }
}
