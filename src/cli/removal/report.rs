//! What was planned, and what came of it, dry or real.

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

/// How far it has come.
enum State {
    /// There is nothing to do, or the user does not want it.
    Nothing { plan: Plan, dry_run: bool },
    /// Planned and measured: a dry run, or what a question is about.
    Draft { plan: Plan, reclaimable: Estimate, shared: SharedBytes },
    /// Carried out.
    Done(Box<Done>),
}

/// What was planned or what came of it, and what there is to say besides.
pub struct Report {
    state: State,
    /// What could go besides, if that was looked at.
    pub left: Option<Left>,
    /// Bytes that are freed besides those of the plan.
    pub extra_freed: ByteSize,
    /// What to name besides the removed things' number, for a purge.
    pub whole: Option<String>,
    /// The limits that images go by, in words.
    pub limits: Vec<String>,
    /// What the user was told before.
    pub warnings: Vec<String>,
    /// What could not be done, besides the plan's own failures.
    pub problems: Vec<String>,
    /// Whether everything could be printed so far.
    pub(super) printed: Result<(), OutputError>,
    /// Notes, which are of this machine and moment.
    notes: Vec<String>,
    /// Warnings and notes that the user has seen already.
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

    /// A report of what is done after a question, which says nothing again that the draft has said.
    pub fn after(draft: Self) -> Self {
        Self { told: [draft.warnings, draft.notes].concat(), ..Self::new(false) }
    }

    /// Measures a draft and takes it in.
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

    /// Takes in what came of the plan.
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

    /// What was planned.
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

    /// What came of a decision, if anything has been done.
    pub fn result(&self, decision: &Decision) -> Option<&RemovalResult> {
        match &self.state {
            State::Done(done) => done.result(decision),
            State::Nothing { .. } | State::Draft { .. } => None,
        }
    }

    /// Whether it was not found out how much of what was removed is shared.
    pub fn lacks_bounds(&self) -> bool {
        matches!(&self.state, State::Done(done) if done.lacks_bounds())
    }

    /// What the file system says has come back.
    pub fn freed_by_file_system(&self) -> Option<i64> {
        match &self.state {
            State::Done(done) => done.freed_by_file_system(),
            State::Nothing { .. } | State::Draft { .. } => None,
        }
    }

    /// Bytes that are available on the file system, or certainly would be, if the plan has a target for that.
    pub fn available(&self) -> Option<ByteSize> {
        let predicted = self.plan().target()?.predicted;
        match &self.state {
            State::Done(done) => done.available().or(Some(predicted)),
            State::Nothing { .. } | State::Draft { .. } => Some(predicted),
        }
    }

    /// Whether a decision's item is gone, or would be.
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

    /// Whether a signal kept something from being removed.
    pub(super) fn is_interrupted(&self, context: &Context<'_>) -> bool {
        let mut decisions = self.plan().decisions().iter();
        context.signals.stop().is_raised() && decisions.any(|decision| self.is_left(decision))
    }

    /// Whether something was to be done and has not come to an end.
    fn is_left(&self, decision: &Decision) -> bool {
        let stays = matches!(decision.verdict, Verdict::Keep(_));
        !stays && matches!(self.result(decision), None | Some(RemovalResult::Interrupted { .. }))
    }

    /// Bytes that were freed, or would be.
    pub fn freed(&self) -> Estimate {
        let freed = match &self.state {
            State::Nothing { .. } => Estimate::default(),
            State::Draft { reclaimable, .. } => *reclaimable,
            State::Done(done) => done.freed(),
        };
        freed + Estimate::exactly(self.extra_freed)
    }

    /// Why what would be freed is less than the sum of the sizes that are shown.
    pub(super) fn shared(&self) -> SharedBytes {
        match &self.state {
            State::Draft { shared, .. } => *shared,
            State::Nothing { .. } | State::Done(_) => SharedBytes::default(),
        }
    }

    /// Tells the user something before anything is removed.
    pub fn warn(&mut self, context: &Context<'_>, warning: String) {
        if !self.told.contains(&warning) {
            context.console.warn(&warning);
        }
        self.warnings.push(warning);
    }

    /// Tells the user something about the machine before anything is removed.
    pub fn note(&mut self, context: &Context<'_>, note: String) {
        if !self.told.contains(&note) {
            context.console.note(&note);
        }
        self.notes.push(note);
    }

    /// Looks what else could go, now that everything has gone that was to go. A signal ends only that.
    pub fn look_at_rest(&mut self, context: &Context<'_>, cache: &Cache) {
        let reporter = &mut Measuring::new(context);
        match measure_left(cache, self.plan(), context.jobs, reporter) {
            Ok(left) => self.left = Some(left),
            Err(_) if context.signals.stop().is_raised() => {}
            Err(failure) => self.problems.push(failure.to_string()),
        }
    }

    /// Takes it for a failure that an image was not removed: the user has named it.
    pub fn miss_what_stays(&mut self) {
        let decisions = self.plan().decisions().iter();
        let images = decisions.filter(|decision| decision.item.is_image_in_place());
        // What the system refuses to remove has been named with its owner.
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
