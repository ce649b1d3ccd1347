//! The report on a plan and its results, for dry runs and real ones.

use bytesize::ByteSize;

use super::lines;
use crate::cache::Cache;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::measure::Measuring;
use crate::cli::ui::console::OutputError;
use crate::cli::warnings::unread_removals;
use crate::gc::{Done, Draft, Left, measure_left};
use crate::plan::{Decision, KeepReason, Plan, Verdict};
use crate::sweep::RemovalResult;
use crate::usage::{Estimate, SharedBytes};

/// How far the command has come.
enum State {
    /// Nothing to do, or declined by the user.
    Nothing { plan: Plan, dry_run: bool },
    /// Planned and measured: a dry run, or the subject of a question.
    Draft { plan: Plan, reclaimable: Estimate, shared: SharedBytes },
    /// Carried out.
    Done(Box<Done>),
}

/// A plan or its results, with everything else to report.
pub struct Report {
    state: State,
    /// What could be removed in addition, if known.
    pub left: Option<Left>,
    /// Bytes freed in addition to those of the plan.
    pub extra_freed: ByteSize,
    /// Describes the whole removal in the summary of a purge.
    pub whole: Option<String>,
    /// The limits for removing images, in words.
    pub limits: Vec<String>,
    /// Warnings that were printed before.
    pub warnings: Vec<String>,
    /// Problems besides the failures of the plan.
    pub problems: Vec<String>,
    /// Whether everything could be printed so far.
    pub(super) printed: Result<(), OutputError>,
    /// Notes about this machine at this moment.
    notes: Vec<String>,
    /// Warnings and notes that the user has already seen.
    told: Vec<String>,
}

impl Report {
    pub fn new(dry_run: bool) -> Self {
        Self {
            state: State::Nothing { plan: Plan::default(), dry_run },
            left: None,
            extra_freed: ByteSize::b(0),
            whole: None,
            limits: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
            printed: Ok(()),
            notes: Vec::new(),
            told: Vec::new(),
        }
    }

    /// A report for after a question, which does not repeat anything from the draft.
    pub fn after(draft: Self) -> Self {
        Self { told: [draft.warnings, draft.notes].concat(), ..Self::new(false) }
    }

    /// Measures a draft and stores it.
    pub fn note_draft(
        &mut self,
        context: &Context<'_>,
        cache: &Cache,
        mut draft: Draft,
    ) -> Result<(), Failure> {
        let measured = draft.measure(cache, context.jobs, &mut Measuring::new(context))?;
        self.problems.extend(unread_removals(&draft.plan, &measured.trees));
        let (plan, reclaimable, shared) = (draft.plan, measured.freed, measured.shared);
        self.state = State::Draft { plan, reclaimable, shared };
        self.left = Some(measured.left);
        Ok(())
    }

    /// Stores the results of the plan.
    pub fn note_done(
        &mut self,
        context: &Context<'_>,
        done: Done,
        printed: Result<(), OutputError>,
    ) {
        self.printed = printed;
        let (failure, no_word) = done.problems();
        self.problems.extend(failure.map(ToString::to_string));
        if let Some(problem) = no_word {
            self.warn(context, problem.to_string());
        }
        self.state = State::Done(Box::new(done));
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        match &self.state {
            State::Nothing { plan, .. } | State::Draft { plan, .. } => plan,
            State::Done(done) => done.plan(),
        }
    }

    pub fn is_dry_run(&self) -> bool {
        match &self.state {
            State::Nothing { dry_run, .. } => *dry_run,
            State::Draft { .. } => true,
            State::Done(_) => false,
        }
    }

    /// The result of a decision, if the plan was carried out.
    pub fn result(&self, decision: &Decision) -> Option<&RemovalResult> {
        match &self.state {
            State::Done(done) => done.result(decision),
            State::Nothing { .. } | State::Draft { .. } => None,
        }
    }

    /// Whether it is unknown how much of the removed data is shared.
    pub fn lacks_bounds(&self) -> bool {
        matches!(&self.state, State::Done(done) if done.lacks_bounds())
    }

    /// Bytes freed according to the file system.
    pub fn freed_by_file_system(&self) -> Option<i64> {
        match &self.state {
            State::Done(done) => done.freed_by_file_system(),
            State::Nothing { .. } | State::Draft { .. } => None,
        }
    }

    /// Bytes available on the file system, or certainly available after a dry run, if the plan has
    /// a target for that.
    pub fn available(&self) -> Option<ByteSize> {
        let predicted = self.plan().target()?.predicted;
        match &self.state {
            State::Done(done) => done.available().or(Some(predicted)),
            State::Nothing { .. } | State::Draft { .. } => Some(predicted),
        }
    }

    /// Whether the item of a decision is gone, or would be.
    pub fn is_removed(&self, decision: &Decision) -> bool {
        use RemovalResult::{Gone, Removed};
        if self.is_dry_run() {
            decision.verdict.removes()
        } else {
            matches!(self.result(decision), Some(Removed { .. } | Gone))
        }
    }

    pub fn has_failed(&self, decision: &Decision) -> bool {
        matches!(self.result(decision), Some(RemovalResult::Failed { .. }))
    }

    /// Whether a signal prevented a removal.
    pub(super) fn is_interrupted(&self, context: &Context<'_>) -> bool {
        let mut decisions = self.plan().decisions().iter();
        context.signals.stop().is_raised() && decisions.any(|decision| self.is_left(decision))
    }

    /// Whether there was something to do that was not finished.
    fn is_left(&self, decision: &Decision) -> bool {
        let stays = matches!(decision.verdict, Verdict::Keep(_));
        !stays && matches!(self.result(decision), None | Some(RemovalResult::Interrupted { .. }))
    }

    /// Bytes freed, or that would be freed.
    pub fn freed(&self) -> Estimate {
        let freed = match &self.state {
            State::Nothing { .. } => Estimate::default(),
            State::Draft { reclaimable, .. } => *reclaimable,
            State::Done(done) => done.freed(),
        };
        freed + Estimate::exactly(self.extra_freed)
    }

    /// Why the bytes freed would be less than the sum of the sizes shown.
    pub(super) fn shared(&self) -> SharedBytes {
        match &self.state {
            State::Draft { shared, .. } => *shared,
            State::Nothing { .. } | State::Done(_) => SharedBytes::default(),
        }
    }

    /// Prints a warning before anything is removed.
    pub fn warn(&mut self, context: &Context<'_>, warning: String) {
        if !self.told.contains(&warning) {
            context.console.warn(&warning);
        }
        self.warnings.push(warning);
    }

    /// Prints a note about this machine before anything is removed.
    pub fn note(&mut self, context: &Context<'_>, note: String) {
        if !self.told.contains(&note) {
            context.console.note(&note);
        }
        self.notes.push(note);
    }

    /// Measures what else could be removed, now that the plan is carried out. A signal only ends
    /// this measurement.
    pub fn look_at_rest(&mut self, context: &Context<'_>, cache: &Cache) {
        let reporter = &mut Measuring::new(context);
        match measure_left(cache, self.plan(), context.jobs, reporter) {
            Ok(left) => self.left = Some(left),
            Err(_) if context.signals.stop().is_raised() => {}
            Err(failure) => self.problems.push(failure.to_string()),
        }
    }

    /// Counts each image that was kept as a failure: the user asked to remove it.
    pub fn miss_what_stays(&mut self) {
        let decisions = self.plan().decisions().iter();
        let images = decisions.filter(|decision| decision.item.is_image_in_place());
        // Items that the system refuses to remove were already reported with their owner.
        let images = images.filter(|image| image.refusal.is_none());
        let stays = images.filter_map(|image| Some((image, self.why_kept(image)?)));
        let problems: Vec<_> = stays.map(|(image, why)| lines::refused(image, why)).collect();
        self.problems.extend(problems);
    }

    fn why_kept(&self, decision: &Decision) -> Option<KeepReason> {
        match (self.result(decision), decision.verdict) {
            (Some(&RemovalResult::Kept { why }), _) | (None, Verdict::Keep(why)) => Some(why),
            _ => None,
        }
    }
}
