//! The question before referenced images are removed.

use std::collections::HashSet;
use std::fmt::Display;

use super::lines::{Counts, Layout, is_worth_a_line};
use super::report::Report;
use crate::cache::Location;
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::ui::units::{estimate, plural};
use crate::error::Error;
use crate::plan::{Decision, Item, Plan};

/// The referenced images that the user has agreed to remove.
pub enum Agreement {
    /// All that the plan removes.
    Anything,
    /// These images.
    These(HashSet<Location>),
}

impl Agreement {
    /// The plan without removals for a target that the user has not agreed to. Free space changes
    /// all the time, so the plan may have changed since the question.
    pub fn apply(&self, plan: Plan) -> Plan {
        match self {
            Self::Anything => plan,
            Self::These(images) => plan.taking_only(images),
        }
    }

    /// Fails if `plan` removes more than agreed, because the cache has changed since the question.
    pub fn check(&self, context: &Context<'_>, plan: &Plan) -> Result<(), Failure> {
        let is_agreed = |image: &Decision| match self {
            Self::Anything => true,
            Self::These(images) => images.contains(image.item.location()),
        };
        if wanted(plan).all(is_agreed) { Ok(()) } else { refuse_changed(context) }
    }
}

/// The images to remove that may still be wanted: referenced or unreplaced ones.
pub fn wanted(plan: &Plan) -> impl Iterator<Item = &Decision> {
    let is_named = |decision: &Decision| !decision.refs.is_empty();
    plan.removals().filter(move |decision| {
        matches!(decision.item, Item::Entry(_))
            && decision.verdict.overrides_refs()
            && (is_named(decision) || decision.verdict.is_policy())
    })
}

/// Asks whether to carry out the plan of `draft`, if that removes referenced images. `None` if the
/// user declines.
///
/// # Errors
/// There is no terminal to ask on.
pub fn ask(context: &Context<'_>, draft: &Report) -> Result<Option<Agreement>, Failure> {
    let images: Vec<_> = wanted(draft.plan()).collect();
    let agreed =
        Agreement::These(images.iter().map(|image| image.item.location().clone()).collect());
    if images.is_empty() {
        return Ok(Some(agreed));
    }
    if !context.console.can_ask() {
        return refuse(format!(
            "refusing to remove {} without confirmation (no terminal); pass --yes",
            plural(images.len(), "referenced image")
        ));
    }
    let answer = confirm(context, question(draft, &images, context.console.width()))?;
    Ok(answer.then_some(agreed))
}

/// Lists everything that a yes covers. Images that may be wanted come last, by last use.
fn question(draft: &Report, wanted: &[&Decision], width: Option<usize>) -> String {
    let layout = Layout::new(draft.plan(), width, true);
    let is_wanted = |removal: &Decision| {
        wanted.iter().any(|wanted| wanted.item.location() == removal.item.location())
    };
    let safe = draft.plan().removals().filter(|removal| is_worth_a_line(removal, false));
    let safe = safe.filter(|removal| !is_wanted(removal));
    let mut wanted = wanted.to_vec();
    wanted.sort_by_key(|image| image.item.last_used());
    let lines = lines(layout, safe.chain(wanted.iter().copied()));
    let counts = Counts::new(draft.plan().removals().map(|removal| &removal.item));
    let freed = estimate(draft.freed());
    let limits = match &draft.limits[..] {
        [] => String::new(),
        limits => format!(" Limits: {}.", limits.join(", ")),
    };
    format!("{lines}{}.{limits} Remove {counts}, freeing {freed}?", why_asked(&wanted))
}

/// The images that a purge removes, one line each. Everything else is only counted.
pub fn purged_images(plan: &Plan, width: Option<usize>) -> String {
    let images = plan.removals().filter(|removal| is_worth_a_line(removal, false));
    lines(Layout::new(plan, width, true), images)
}

fn lines<'d>(layout: Layout, removals: impl Iterator<Item = &'d Decision>) -> String {
    removals.map(|removal| layout.removed(removal, None) + "\n").collect()
}

/// `2 images are referenced and 1 image is unreplaced`
fn why_asked(wanted: &[&Decision]) -> String {
    let referenced = wanted.iter().filter(|image| !image.refs.is_empty()).count();
    let kinds = [(referenced, "referenced"), (wanted.len() - referenced, "unreplaced")];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, kind)| {
        let verb = if count == 1 { "is" } else { "are" };
        format!("{} {verb} {kind}", plural(count, "image"))
    });
    kinds.collect::<Vec<_>>().join(" and ")
}

/// Asks a question. A signal ends the program while it waits.
pub fn confirm(context: &Context<'_>, question: impl Display) -> Result<bool, Failure> {
    let answer = context.signals.let_through(|| context.console.confirm(question));
    Ok(answer.map_err(|cause| Error::io("read the answer from", "the terminal", cause))?)
}

/// Ends a command after the user declined.
pub fn decline(context: &Context<'_>) -> Result<Ending, Failure> {
    if context.format == Format::Table {
        context.console.note("Cancelled, nothing removed.");
        return Ok(Ending::Done);
    }
    Report::new(false).finish(context)
}

/// The answer does not cover entries that appeared after the question.
pub fn refuse_changed<T>(context: &Context<'_>) -> Result<T, Failure> {
    refuse(format!("{} has changed since the question: run this again", context.shown_dir()))
}
