//! A plan, measured before anything is removed.

use super::measure::measure_planned;
use super::reporter::Reporter;
use crate::cache::{Cache, Inventory, Location};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::{Decision, Evidence, Plan};
use crate::usage::{CacheUsage, Estimate, Measurement, SharedBytes};

/// A plan, and what it was made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Draft {
    /// What is to go, and why.
    pub plan: Plan,
    /// What lies in the cache.
    pub inventory: Inventory,
    /// Who needs what.
    pub evidence: Evidence,
}

/// What stays although it could go, if the user asked for that.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Left {
    /// Unreferenced layers.
    pub layers: Group,
    /// Orphans that nothing has replaced.
    pub unreplaced: Group,
}

/// Some things of one kind.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Group {
    /// How many there are.
    pub count: usize,
    /// What removing them, too, would free.
    pub reclaimable: Estimate,
}

/// What a draft would free.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measured {
    /// Of what is to be removed.
    pub freed: Estimate,
    /// Why that is less than the sum of its sizes.
    pub shared: SharedBytes,
    /// What could go besides.
    pub left: Left,
    /// The trees that were measured for this, with what could not be read in them.
    pub trees: Measurement,
}

impl Draft {
    /// Measures what is to be removed, and notes in the plan how big it is.
    ///
    /// # Errors
    /// The threads cannot be started, or the reporter has stopped it.
    pub fn measure(
        &mut self,
        cache: &Cache,
        jobs: Jobs,
        reporter: &mut dyn Reporter,
    ) -> Result<Measured> {
        measure_plan(cache, &mut self.plan, self.evidence.usage.as_ref(), jobs, reporter)
    }
}

/// Measures what of a plan is to be removed and has not been measured, and notes in the plan how big all of it is.
///
/// # Errors
/// As for [`Draft::measure`].
pub fn measure_plan(
    cache: &Cache,
    plan: &mut Plan,
    known: Option<&CacheUsage>,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Measured> {
    let (to_remove, [layers, unreplaced]) = (plan.to_remove(), left(plan));
    // What was planned by sizes has been measured, but for single references.
    let known = known.map(CacheUsage::measurement);
    let is_known = |at: &Location| known.is_some_and(|known| known.usage(at).is_some());
    let trees = [&to_remove[..], &layers, &unreplaced].concat();
    let missing: Vec<_> = trees.into_iter().filter(|at| !is_known(at)).collect();
    let found = measure_planned(cache, plan, &missing, jobs, reporter)?;
    let (mut freed, mut shared) = (Estimate::default(), SharedBytes::default());
    let [mut in_layers, mut in_images] = [Estimate::default(); 2];
    for measurement in [Some(&found), known].into_iter().flatten() {
        let of = |trees: &'_ [Location]| {
            let here = trees.iter().filter(|&at| measurement.usage(at).is_some());
            here.cloned().collect::<Vec<_>>()
        };
        let going = of(&to_remove);
        let going: Vec<_> = going.iter().collect();
        let besides = |trees: &[Location]| {
            measurement.reclaimable_besides(&going, &of(trees).iter().collect::<Vec<_>>())
        };
        freed += measurement.reclaimable(going.iter().copied());
        shared += measurement.shared(going.iter().copied());
        in_layers += besides(&layers);
        in_images += besides(&unreplaced);
        plan.note_usage(measurement);
    }
    let layers = Group { count: layers.len(), reclaimable: in_layers };
    let unreplaced = Group { count: unreplaced.len(), reclaimable: in_images };
    Ok(Measured { freed, shared, left: Left { layers, unreplaced }, trees: found })
}

/// Measures only what could go besides, once everything else has gone.
///
/// # Errors
/// As for [`Draft::measure`].
pub fn measure_left(
    cache: &Cache,
    plan: &Plan,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Left> {
    let [layers, unreplaced] = left(plan);
    let trees = [&layers[..], &unreplaced].concat();
    let found = measure_planned(cache, plan, &trees, jobs, reporter)?;
    let [layers, unreplaced] = [&layers, &unreplaced]
        .map(|trees| Group { count: trees.len(), reclaimable: found.reclaimable(trees) });
    Ok(Left { layers, unreplaced })
}

/// Where the layers and images lie that stay although they could go.
fn left(plan: &Plan) -> [Vec<Location>; 2] {
    let location = |decision: &Decision| decision.item.location().clone();
    [plan.left_layers().map(location).collect(), plan.unreplaced().map(location).collect()]
}
