//! From a way to make a plan to what has come of it: what `gc` and `rm` have in common.

use super::agreement::{self, Agreement};
use super::measure::with_layers;
use super::report::Report;
use super::{carry_out, open_locked};
use crate::cache::{Cache, Inventory};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::plan::Plan;

/// How a plan is to be made and carried out.
pub struct Errand<'a, F> {
    pub context: &'a Context<'a>,
    /// Only to be looked at.
    pub dry_run: bool,
    /// Whether the user is asked before something goes that references name.
    pub asks: bool,
    /// Whether to fail rather than to wait for another collection.
    pub no_wait: bool,
    /// Makes the plan, and tells the report what there is to know before.
    pub make_plan: F,
}

impl<F: Fn(&Cache, &mut Report) -> Result<Plan, Failure>> Errand<'_, F> {
    /// Does it; `finish` has the last word on the report. Without a cache it has an empty one.
    pub fn run(
        &self,
        finish: impl FnOnce(Report, Option<&Cache>) -> Result<Ending, Failure>,
    ) -> Result<Ending, Failure> {
        let mut report = Report::new(self.dry_run);
        let mut agreement = Agreement::Anything;
        // Nobody should have to wait for a collector who waits for an answer: the lock comes after it.
        if self.asks || self.dry_run {
            let Some(cache) = Cache::open(&self.context.cache_dir)? else {
                return finish(report, None);
            };
            self.draft(&cache, &mut report)?;
            if self.dry_run {
                return finish(report, Some(&cache));
            }
            match agreement::ask(self.context, &report)? {
                Some(agreed) => agreement = agreed,
                None => return agreement::decline(self.context),
            }
            report = Report::after(report);
        }
        let Some(cache) = open_locked(self.context, self.no_wait)? else {
            return finish(Report::new(self.dry_run), None);
        };
        report.plan = (self.make_plan)(&cache, &mut report)?;
        agreement.check(self.context, &report.plan)?;
        carry_out(self.context, &cache, &mut report)?;
        finish(report, Some(&cache))
    }

    fn draft(&self, cache: &Cache, report: &mut Report) -> Result<(), Failure> {
        report.plan = (self.make_plan)(cache, report)?;
        let (doomed, layers) = with_layers(self.context, cache, &mut report.plan)?;
        (report.reclaimable, report.layers) = (doomed, Some(layers));
        Ok(())
    }
}

/// What lies in the cache, once it has settled; the refs can all be read. What could not be looked at
/// is in the report.
pub fn readable_inventory(
    context: &Context<'_>,
    cache: &Cache,
    report: &mut Report,
) -> Result<Inventory, Failure> {
    let inventory = cache.settled_inventory(&context.signals.stop())?;
    let refs = inventory.refs.into_readable()?;
    report.problems.extend(inventory.problems.iter().map(ToString::to_string));
    Ok(Inventory { refs, ..inventory })
}
