//! `bbox cache gc`: removes what nothing references, and what the user wants to have no longer.

use super::args::{Gc, Layers};
use super::context::Context;
use super::doubt;
use super::failure::{Ending, Failure};
use super::max_size;
use super::removal::{self, Errand, Report};
use crate::cache::Cache;
use crate::plan::{self, GcOptions, LayerChoice, Plan};

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
    let evidence = removal::evidence(context, cache, &inventory, report)?;
    if args.layers.is_some() {
        report.problems.extend(evidence.lifetimes.problems.iter().map(ToString::to_string));
    }
    let options = GcOptions {
        keep_recent: args.keep_recent,
        unused_for: args.unused_for,
        temp_age: args.temp_age,
        layers: choice(args.layers),
        ..GcOptions::default()
    };
    let plan = match args.max_size {
        Some(limit) => {
            max_size::plan(context, cache, &inventory, options, &evidence, limit, report)?
        }
        None => plan::gc(&inventory, &options, &evidence),
    };
    removal::tell_of_uninspected(context, &evidence, &plan);
    Ok(plan)
}

fn choice(layers: Option<Layers>) -> LayerChoice {
    match layers {
        None => LayerChoice::None,
        Some(Layers::Unreferenced) => LayerChoice::Unreferenced,
        Some(Layers::All) => LayerChoice::All,
    }
}
