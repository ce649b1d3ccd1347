//! A plan, measured before anything is removed.

use std::collections::HashSet;

use super::measure::measure_planned;
use super::reporter::Reporter;
use crate::cache::{Cache, Inventory, Location};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::{Evidence, Plan};
use crate::usage::{CacheUsage, Estimate};

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

/// Unreferenced layers that stay because the user has not asked for them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LeftLayers {
    /// How many there are.
    pub count: usize,
    /// What removing them, too, would free.
    pub reclaimable: Estimate,
}

impl Draft {
    /// Measures what is to be removed, and notes in the plan how big it is. Returns what removing it frees, and what the
    /// layers would free that could go besides.
    ///
    /// # Errors
    /// The threads cannot be started, or the reporter has stopped it.
    pub fn measure(
        &mut self,
        cache: &Cache,
        jobs: Jobs,
        reporter: &mut dyn Reporter,
    ) -> Result<(Estimate, LeftLayers)> {
        let (to_remove, left) = (self.plan.to_remove(), left_layers(&self.plan));
        let is_left: HashSet<_> = left.iter().collect();
        // What was planned by sizes has been measured, but for single references.
        let known = self.evidence.usage.as_ref().map(CacheUsage::measurement);
        let is_known = |at: &Location| known.is_some_and(|known| known.usage(at).is_some());
        let (there, missing): (Vec<_>, Vec<_>) =
            to_remove.iter().chain(&left).cloned().partition(is_known);
        let found = measure_planned(cache, &self.plan, &missing, jobs, reporter)?;
        let (mut freed, mut more) = (Estimate::default(), Estimate::default());
        for (measurement, trees) in [(Some(&found), missing), (known, there)] {
            let Some(measurement) = measurement else { continue };
            let (layers, chosen): (Vec<_>, Vec<_>) =
                trees.iter().partition(|at| is_left.contains(at));
            freed += measurement.reclaimable(chosen.iter().copied());
            more += measurement.reclaimable_besides(&chosen, &layers);
            self.plan.note_usage(measurement);
        }
        Ok((freed, LeftLayers { count: left.len(), reclaimable: more }))
    }
}

/// Measures only the layers that could go besides, once everything else has gone.
///
/// # Errors
/// As for [`Draft::measure`].
pub fn measure_left_layers(
    cache: &Cache,
    plan: &Plan,
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<LeftLayers> {
    let left = left_layers(plan);
    let found = measure_planned(cache, plan, &left, jobs, reporter)?;
    Ok(LeftLayers { count: left.len(), reclaimable: found.reclaimable(&left) })
}

fn left_layers(plan: &Plan) -> Vec<Location> {
    plan.left_layers().map(|decision| decision.item.location().clone()).collect()
}
