//! The common parts of `gc`, `rm` and `purge`: lock, measure or remove, and report.

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

/// How to make a plan and carry it out.
pub struct Removal<'a, F> {
    pub context: &'a Context<'a>,
    /// Whether to only show the plan.
    pub dry_run: bool,
    /// Whether to ask before removing referenced images.
    pub asks: bool,
    /// Whether to fail instead of waiting for another gc.
    pub no_wait: bool,
    /// Makes the plan, and adds warnings to the report.
    pub make_draft: F,
}

impl<F: Fn(&Cache, &mut Report) -> Result<Draft, Failure>> Removal<'_, F> {
    /// Runs the command; `finish` completes the report. If there is no cache, the report is empty.
    pub fn run(
        &self,
        finish: impl FnOnce(Report, Option<&Cache>) -> Result<Ending, Failure>,
    ) -> Result<Ending, Failure> {
        let mut report = Report::new(self.dry_run);
        let mut agreement = Agreement::Anything;
        // Lock only after the answer: no other gc should have to wait for a user.
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
        // If this waited for a purge, the cache may be gone.
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

/// Opens the cache and waits for the lock. `None` if there is no cache.
pub fn open_locked(context: &Context<'_>, no_wait: bool) -> Result<Option<LockedCache>, Failure> {
    let console = context.console;
    let locked = context.open_locked(|holder| {
        if no_wait {
            return Patience::GiveUp;
        }
        let holder = UsingProcess::describe(holder);
        console.note(format_args!("Waiting for {holder} to finish its gc…"));
        Patience::Wait
    })?;
    if locked.as_ref().is_some_and(|cache| !cache.is_lock_effective()) {
        console.warn(format_args!(
            "the file system of {} does not support locks: run one gc at a time",
            context.shown_dir()
        ));
    }
    Ok(locked)
}

/// Adds the warnings about a draft to the report before anything is removed: what was unreadable,
/// and whether processes could not be inspected.
pub fn tell(context: &Context<'_>, draft: &Draft, report: &mut Report) {
    let problems = draft.inventory.problems.iter().chain(&draft.evidence.problems);
    report.problems.extend(problems.map(ToString::to_string));
    report.problems.extend(draft.plan.decisions().iter().filter_map(unremovable));
    if draft.evidence.in_use.is_none() && draft.evidence.problems.is_empty() {
        let warning =
            "this system does not report which processes use an image, so all images are kept";
        report.warn(context, warning.to_owned());
    }
    tell_of_uninspected(context, draft, report);
}

/// Adds a note about uninspected processes, if they matter.
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

/// Carries out a plan, prints a line for each removal when it ends, and stores the results in the
/// report.
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
