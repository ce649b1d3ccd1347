//! A plan, measured before anything is removed.

use super::measure::measure_planned;
use super::reporter::Reporter;
use crate::cache::{Cache, Inventory, Location};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::{Evidence, Plan};
use crate::usage::Estimate;

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
        let trees = [&to_remove[..], &left].concat();
        let measured;
        // What was planned by sizes has been measured already.
        let found = match &self.evidence.usage {
            Some(usage) => usage.measurement(),
            None => {
                measured = measure_planned(cache, &self.plan, &trees, jobs, reporter)?;
                &measured
            }
        };
        let [to_remove, layers] = [&to_remove, &left].map(|trees| trees.iter().collect::<Vec<_>>());
        let reclaimable = found.reclaimable_besides(&to_remove, &layers);
        Ok((self.plan.note_usage(found), LeftLayers { count: left.len(), reclaimable }))
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
