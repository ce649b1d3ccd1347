//! `bbox cache gc`: removes what nothing references.

use super::args::Gc;
use super::context::Context;
use super::failure::{Ending, Failure};
use super::removal::{self, Report};
use super::signals::Signals;
use crate::cache::Cache;
use crate::plan::collect;

pub fn run(context: &Context<'_>, args: &Gc) -> Result<Ending, Failure> {
    let signals = Signals::listen()?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    if let Some(cache) = context.open()? {
        let lock = match args.dry_run {
            true => None,
            false => Some(removal::lock(context, &cache, &signals)?),
        };
        plan(&cache, &mut report)?;
        match removal::measure(context, &cache, &mut report.plan, &signals)? {
            Some(reclaimable) => report.reclaimable = reclaimable,
            None => return Ok(removal::interrupted(context, &signals)),
        }
        if let Some(lock) = lock {
            let plan = &report.plan;
            let outcome = removal::carry_out(context, &cache, &lock, plan, &signals)?;
            report.outcome = Some(outcome);
        }
    }
    report.finish(context, &signals)
}

fn plan(cache: &Cache, report: &mut Report) -> Result<(), Failure> {
    let mut inventory = cache.settled_inventory()?;
    inventory.refs.require_readable()?;
    report.warnings = inventory.problems.iter().map(ToString::to_string).collect();
    report.plan = collect(&inventory);
    Ok(())
}
