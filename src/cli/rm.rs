//! `bbox cache rm`: removes images by name, with the refs that name them.

use std::collections::HashSet;

use super::args::Rm;
use super::choose::{choose, no_cache};
use super::context::Context;
use super::failure::{Ending, Failure};
use super::removal::{self, Errand, Report};
use crate::cache::{Cache, Digest, Inventory};
use crate::plan::{self, Plan};

pub fn run(context: &Context<'_>, args: &Rm) -> Result<Ending, Failure> {
    let errand = Errand {
        context,
        dry_run: args.dry_run,
        asks: !args.force && !args.yes,
        no_wait: args.no_wait,
        make_plan: |cache: &Cache, report: &mut Report| make_plan(context, args, cache, report),
    };
    errand.run(|mut report, cache| {
        if cache.is_none() {
            let first = args.images.first().map(String::as_str).unwrap_or_default();
            return Err(no_cache(context, first).into());
        }
        // Nothing is said of layers here.
        report.layers = None;
        report.miss_what_stays();
        report.finish(context)
    })
}

fn make_plan(
    context: &Context<'_>,
    args: &Rm,
    cache: &Cache,
    report: &mut Report,
) -> Result<Plan, Failure> {
    let inventory = removal::readable_inventory(context, cache, report)?;
    let chosen = chosen(context, args, &inventory)?;
    let evidence = removal::evidence(context, cache, &inventory, report)?;
    let plan = plan::rm(&inventory, &chosen, args.force, &evidence);
    removal::tell_of_uninspected(context, &evidence, &plan);
    Ok(plan)
}

/// All of them, or none: whoever mistypes one name may have meant another one, too.
fn chosen(
    context: &Context<'_>,
    args: &Rm,
    inventory: &Inventory,
) -> Result<HashSet<Digest>, Failure> {
    let found = args.images.iter().map(|text| Ok(choose(context, inventory, text)?.1.clone()));
    found.collect()
}
