//! What a plan is about, measured.

use std::collections::HashSet;

use super::report::Report;
use crate::cache::{Cache, Inventory, Location};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::measure::measure as measure_trees;
use crate::cli::ui::bars::MeasureBars;
use crate::plan::{Activity, Plan};
use crate::usage::{Estimate, Measurement};

/// Layers that could go besides.
#[derive(Clone, Copy)]
pub struct LeftLayers {
    pub count: usize,
    /// What removing them, too, gives back.
    pub reclaimable: Estimate,
}

/// Measures what `plan` wants removed, and looks who else holds it.
pub fn doomed(context: &Context<'_>, cache: &Cache, plan: &Plan) -> Result<Measurement, Failure> {
    measure(context, cache, plan, &plan.to_remove())
}

/// The same, with the layers that could go besides; notes in the plan how big everything is that is
/// to go, and returns what that gives back.
pub fn with_layers(
    context: &Context<'_>,
    cache: &Cache,
    plan: &mut Plan,
) -> Result<(Estimate, LeftLayers), Failure> {
    let (doomed, left) = (plan.to_remove(), left(plan));
    let found = measure(context, cache, plan, &[&doomed[..], &left].concat())?;
    let [doomed, layers] = [&doomed, &left].map(|trees| trees.iter().collect::<Vec<_>>());
    let reclaimable = found.reclaimable_besides(&doomed, &layers);
    Ok((plan.note_usage(&found), LeftLayers { count: left.len(), reclaimable }))
}

/// Only the layers that could go besides, when everything else has gone.
pub fn layers_left(
    context: &Context<'_>,
    cache: &Cache,
    plan: &Plan,
) -> Result<LeftLayers, Failure> {
    let left = left(plan);
    let found = measure(context, cache, plan, &left)?;
    Ok(LeftLayers { count: left.len(), reclaimable: found.reclaimable(&left) })
}

fn left(plan: &Plan) -> Vec<Location> {
    plan.left_layers().map(|decision| decision.item.location().clone()).collect()
}

fn measure(
    context: &Context<'_>,
    cache: &Cache,
    plan: &Plan,
    trees: &[Location],
) -> Result<Measurement, Failure> {
    if trees.is_empty() {
        return Ok(Measurement::default());
    }
    let others = plan.entries_besides(&trees.iter().collect::<HashSet<_>>());
    let meter = context.meter().with_extents();
    measure_trees(context, cache, meter, trees, &others)
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
    let mut bars = MeasureBars::new(context.console, extractions.len());
    let stop = context.signals.stop();
    let mut watch = |progress: &_| bars.show(progress);
    let found = context.meter().measure(cache, &extractions, &stop, &mut watch)?;
    for (_, problems) in found.all_problems() {
        report.problems.extend(problems.first().iter().map(ToString::to_string));
    }
    let changes = extractions.into_iter().map(|at| (at.clone(), found.newest_change(&at)));
    Ok(Activity::new(&changes.collect::<Vec<_>>()))
}
