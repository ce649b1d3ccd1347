//! What a plan is about, measured.

use std::collections::HashSet;

use super::lines;
use super::report::Report;
use crate::cache::{Cache, Inventory};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::measure::measure as measure_trees;
use crate::cli::ui::bars::{MeasureFace, watch};
use crate::plan::{Activity, Decision, Plan};
use crate::usage::{Estimate, Measurement, Progress};

/// Layers that could go besides.
#[derive(Clone, Copy)]
pub struct LeftLayers {
    pub count: usize,
    /// What removing them, too, gives back.
    pub reclaimable: Estimate,
    /// Whether all of them could be measured completely.
    pub is_complete: bool,
}

/// Measures what `plan` wants removed, and looks who else holds it.
pub fn doomed(context: &Context<'_>, cache: &Cache, plan: &Plan) -> Result<Measurement, Failure> {
    measure(context, cache, plan, &removals(plan))
}

/// The same, with the layers that could go besides; notes in the plan how big everything is that is
/// to go, and returns what that gives back.
pub fn with_layers(
    context: &Context<'_>,
    cache: &Cache,
    plan: &mut Plan,
) -> Result<(Estimate, LeftLayers), Failure> {
    let (removals, left) = (removals(plan), left(plan));
    let doomed = removals.len();
    let found = measure(context, cache, plan, &[removals, left].concat())?;
    let reclaimable = plan.note_usage(&found);
    let everything = found.reclaimable(0..found.trees());
    Ok((reclaimable, left_layers(&found, doomed, everything.beyond(reclaimable))))
}

/// Only the layers that could go besides, when everything else has gone.
pub fn layers_left(
    context: &Context<'_>,
    cache: &Cache,
    plan: &Plan,
) -> Result<LeftLayers, Failure> {
    let found = measure(context, cache, plan, &left(plan))?;
    Ok(left_layers(&found, 0, found.reclaimable(0..found.trees())))
}

fn left_layers(found: &Measurement, doomed: usize, reclaimable: Estimate) -> LeftLayers {
    let is_complete = (doomed..found.trees()).all(|tree| found.usage(tree).is_complete());
    LeftLayers { count: found.trees() - doomed, reclaimable, is_complete }
}

fn removals(plan: &Plan) -> Vec<&Decision> {
    plan.removals().map(|(_, decision)| decision).collect()
}

fn left(plan: &Plan) -> Vec<&Decision> {
    plan.left_layers().collect()
}

fn measure(
    context: &Context<'_>,
    cache: &Cache,
    plan: &Plan,
    chosen: &[&Decision],
) -> Result<Measurement, Failure> {
    if chosen.is_empty() {
        return Ok(Measurement::default());
    }
    let trees: Vec<_> = chosen.iter().map(|decision| decision.item.location().clone()).collect();
    let others = plan.entries_besides(&trees.iter().collect::<HashSet<_>>());
    let names = chosen.iter().map(|decision| lines::label(decision)).collect();
    let meter = context.meter().with_extents();
    measure_trees(context, cache, meter, &trees, names, &others)
}

/// Looks when the extractions in the cache were changed last. One that cannot be looked at stays, and
/// `report` says so.
pub fn activity(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<Activity, Failure> {
    let extractions = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let extractions: Vec<_> = extractions.map(|entry| entry.location.clone()).collect();
    if extractions.is_empty() {
        return Ok(Activity::default());
    }
    let progress = Progress::new(extractions.len(), context.signals.stop());
    let names = extractions.iter().map(ToString::to_string).collect();
    let mut face = MeasureFace::new(context.console, &progress, names);
    let measure = || context.meter().measure(cache, &extractions, &progress);
    let found = watch(&mut face, |_events| measure())??;
    for tree in 0..found.trees() {
        report.problems.extend(found.problems(tree).first().iter().map(ToString::to_string));
    }
    let changes = extractions.into_iter().enumerate();
    let changes = changes.map(|(tree, location)| (location, found.newest_change(tree)));
    Ok(Activity::new(&changes.collect::<Vec<_>>()))
}
