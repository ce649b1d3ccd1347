//! From a way to make a plan to what has come of it: what `gc` and `rm` have in common.

use super::question::{self, Agreement};
use super::report::Report;
use super::{carry_out, open_locked};
use crate::cache::Cache;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::gc::Draft;

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
    pub make_draft: F,
}

impl<F: Fn(&Cache, &mut Report) -> Result<Draft, Failure>> Errand<'_, F> {
    /// Does it; `finish` has the last word on the report. Without a cache it has an empty one.
    pub fn run(
        &self,
        finish: impl FnOnce(Report, Option<&Cache>) -> Result<Ending, Failure>,
    ) -> Result<Ending, Failure> {
        let mut report = Report::new(self.dry_run);
        let mut agreement = Agreement::Anything;
        // Another collection should not have to wait for one that waits for an answer: the lock comes after it.
        if self.asks || self.dry_run {
            let Some(cache) = Cache::open(&self.context.cache_dir)? else {
                return finish(report, None);
            };
            let draft = (self.make_draft)(&cache, &mut report)?;
            report.note_draft(self.context, &cache, draft)?;
            if self.dry_run {
                return finish(report, Some(&cache));
            }
            match question::ask(self.context, &report)? {
                Some(agreed) => agreement = agreed,
                None => return question::decline(self.context),
            }
            report = Report::after(report);
        }
        let Some(cache) = open_locked(self.context, self.no_wait)? else {
            return finish(Report::new(self.dry_run), None);
        };
        let draft = (self.make_draft)(&cache, &mut report)?;
        agreement.check(self.context, &draft.plan)?;
        carry_out(self.context, &cache, draft.plan, &mut report)?;
        finish(report, Some(&cache))
    }
}
