//! `bbox cache gc`: removes what nothing references.

use jiff::Timestamp;

use super::args::Gc;
use super::context::Context;
use super::failure::{Ending, Failure};
use super::removal::{self, Report};
use crate::cache::{Cache, Inventory};
use crate::plan::collect;

pub fn run(context: &Context<'_>, args: &Gc) -> Result<Ending, Failure> {
    let mut report = Report::new(args.dry_run);
    let Some((cache, lock)) = removal::open(context, args.dry_run)? else {
        return report.finish(context);
    };
    let inventory = readable_inventory(context, &cache)?;
    report.problems = inventory.problems.iter().map(ToString::to_string).collect();
    report.warnings =
        inventory.refs.invalid.iter().map(|found| found.warning(cache.path())).collect();
    report.plan = collect(&inventory, Timestamp::now());
    report.reclaimable = removal::measure(context, &cache, &mut report.plan)?;
    if let Some(lock) = lock {
        removal::carry_out(context, &cache, &lock, &mut report)?;
    }
    report.finish(context)
}

fn readable_inventory(context: &Context<'_>, cache: &Cache) -> Result<Inventory, Failure> {
    let inventory = cache.settled_inventory(&context.signals.stop())?;
    let refs = inventory.refs.into_readable()?;
    Ok(Inventory { refs, ..inventory })
}
