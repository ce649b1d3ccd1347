//! A plan that can be measured before anything is removed.

use super::measure::measure_planned;
use super::reporter::Reporter;
use crate::cache::{Cache, Inventory, Location};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::{Decision, Evidence, Plan};
use crate::usage::{CacheUsage, Estimate, Measurement, SharedBytes};

/// A plan, together with the inventory and the evidence behind it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Draft {
    /// What to remove, and why.
    pub plan: Plan,
    /// The contents of the cache.
    pub inventory: Inventory,
    /// What was in use, and what else is known.
    pub evidence: Evidence,
}

/// Items that are kept but could be removed at the user's request.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Left {
    /// Unreferenced layers.
    pub layers: Group,
    /// Orphans that nothing has replaced.
    pub unreplaced: Group,
}

/// The number and size of items of one kind.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Group {
    /// The number of items.
    pub count: usize,
    /// How much space removing them, too, would free.
    pub reclaimable: Estimate,
}

/// How much space a draft would free.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measured {
    /// The space that its removals would free.
    pub freed: Estimate,
    /// Why that is less than the sum of their sizes.
    pub shared: SharedBytes,
    /// What could be removed in addition.
    pub left: Left,
    /// The trees that were measured for this, including what was unreadable in them.
    pub trees: Measurement,
}

impl Draft {
    /// Measures the items to remove, and records their sizes in the plan.
    ///
    /// # Errors
    /// Fails if the threads cannot be started, or the reporter stopped the measurement.
    pub fn measure(
        &mut self,
        cache: &Cache,
        jobs: Jobs,
        reporter: &mut dyn Reporter,
    ) -> Result<Measured> {
        measure_plan(cache, &mut self.plan, self.evidence.usage.as_ref(), jobs, reporter)
    }
}

/// Measures the items to remove that were not measured yet, and records the sizes of all of them in
/// the plan.
///
/// # Errors
/// See [`Draft::measure`].
pub fn measure_plan(
    cache: &Cache,
    plan: &mut Plan,
    known: Option<&CacheUsage>,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Measured> {
    let (to_remove, [layers, unreplaced]) = (plan.to_remove(), left(plan));
    // A plan made by sizes has everything measured except single references.
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

/// Measures only what could be removed in addition, once everything planned is removed.
///
/// # Errors
/// See [`Draft::measure`].
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

/// The locations of the layers and images that are kept but could be removed.
fn left(plan: &Plan) -> [Vec<Location>; 2] {
    let location = |decision: &Decision| decision.item.location().clone();
    [plan.left_layers().map(location).collect(), plan.unreplaced().map(location).collect()]
}
