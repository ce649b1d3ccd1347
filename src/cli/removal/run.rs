//! What `gc`, `rm` and `purge` have in common: lock, measure or remove, and tell.

use rustix::process::geteuid;

use super::lines::unremovable;
use super::progress::Removing;
use super::question::{Agreement, ask, decline};
use super::report::Report;
use crate::cache::{Cache, LockedCache, Patience, UsingProcess};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::named_cache;
use crate::cli::warnings::unknown_users;
use crate::gc::{self, Draft};
use crate::plan::Plan;

/// How a plan is to be made and carried out.
pub struct Removal<'a, F> {
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

impl<F: Fn(&Cache, &mut Report) -> Result<Draft, Failure>> Removal<'_, F> {
    /// Does it; `finish` has the last word on the report. Without a cache it has an empty one.
    pub fn run(
        &self,
        finish: impl FnOnce(Report, Option<&Cache>) -> Result<Ending, Failure>,
    ) -> Result<Ending, Failure> {
        let mut report = Report::new(self.dry_run);
        let mut agreement = Agreement::Anything;
        // Another collection should not have to wait for one that waits for an answer: the lock comes after it.
        let Some(cache) = named_cache::open(self.context)? else {
            return finish(report, None);
        };
        if self.asks || self.dry_run {
            let draft = (self.make_draft)(&cache, &mut report)?;
            report.note_draft(self.context, &cache, draft)?;
            if self.dry_run {
                return finish(report, Some(&cache));
            }
            match ask(self.context, &report)? {
                Some(agreed) => agreement = agreed,
                None => return decline(self.context),
            }
            report = Report::after(report);
        }
        // A purge that this has waited for may have removed it.
        let Some(cache) = open_locked(self.context, self.no_wait)? else {
            return finish(Report::new(self.dry_run), None);
        };
        let draft = (self.make_draft)(&cache, &mut report)?;
        let plan = agreement.apply(draft.plan);
        agreement.check(self.context, &plan)?;
        let has_asked = self.asks || plan.left().is_some();
        carry_out(self.context, &cache, plan, has_asked, &mut report)?;
        finish(report, Some(&cache))
    }
}

/// Opens the cache and waits for the right to change it. `None` if there is no cache.
pub fn open_locked(context: &Context<'_>, no_wait: bool) -> Result<Option<LockedCache>, Failure> {
    let console = context.console;
    let locked = context.open_locked(|holder| {
        if no_wait {
            return Patience::GiveUp;
        }
        let holder = UsingProcess::describe(holder);
        console.note(format_args!("Waiting for {holder}, which collects this cache."));
        Patience::Wait
    })?;
    if locked.as_ref().is_some_and(|cache| !cache.is_lock_effective()) {
        console.warn(format_args!(
            "the file system of {} knows no locks: run one collection at a time",
            context.shown_dir()
        ));
    }
    Ok(locked)
}

/// Tells what there is to know of a draft before anything is removed: what could not be looked at, and whether that
/// includes the processes.
pub fn tell(context: &Context<'_>, draft: &Draft, report: &mut Report) {
    let problems = draft.inventory.problems.iter().chain(&draft.evidence.problems);
    report.problems.extend(problems.map(ToString::to_string));
    report.problems.extend(draft.plan.decisions().iter().filter_map(unremovable));
    if draft.evidence.in_use.is_none() && draft.evidence.problems.is_empty() {
        let warning = "this system does not tell which processes use what: images stay";
        report.warn(context, warning.to_owned());
    }
    tell_of_uninspected(context, draft, report);
}

/// Which processes could not be looked at, if that matters.
pub fn tell_of_uninspected(context: &Context<'_>, draft: &Draft, report: &mut Report) {
    let Some(in_use) = &draft.evidence.in_use else { return };
    if draft.plan.removals().next().is_none() {
        return;
    }
    if let Some(note) = unknown_users(in_use, geteuid().is_root()) {
        report.note(context, note);
    }
    if context.console.verbose && !in_use.uninspected().is_empty() {
        let names: Vec<_> = in_use.uninspected().iter().map(ToString::to_string).collect();
        report.note(context, format!("Not inspected: {}", names.join(", ")));
    }
}

/// Carries out a plan, prints a line for each removal as it ends, and notes what came of it.
pub fn carry_out(
    context: &Context<'_>,
    cache: &LockedCache,
    plan: Plan,
    has_asked: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut reporter = Removing::new(context, &plan, has_asked);
    let done = gc::run(cache, plan, context.jobs, &mut reporter)?;
    let printed = reporter.into_printed();
    report.note_done(context, done, printed);
    Ok(())
}
