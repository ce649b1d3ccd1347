//! The size of what a plan removes, and of the layers that it leaves.

use std::collections::HashSet;

use super::prepare::Draft;
use super::reporter::Reporter;
use crate::cache::{Cache, Location, VmClones};
use crate::error::Result;
use crate::jobs::Jobs;
use crate::plan::Plan;
use crate::usage::{Estimate, Measurement, Meter};

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
        let found = measure(cache, &self.plan, &trees, jobs, reporter)?;
        let [to_remove, layers] = [&to_remove, &left].map(|trees| trees.iter().collect::<Vec<_>>());
        let reclaimable = found.reclaimable_besides(&to_remove, &layers);
        Ok((self.plan.note_usage(&found), LeftLayers { count: left.len(), reclaimable }))
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
    let found = measure(cache, plan, &left, jobs, reporter)?;
    Ok(LeftLayers { count: left.len(), reclaimable: found.reclaimable(&left) })
}

fn left_layers(plan: &Plan) -> Vec<Location> {
    plan.left_layers().map(|decision| decision.item.location().clone()).collect()
}

/// Measures `trees` of a plan, and looks who else holds what is in them: the rest of the cache, and the clones of VMs.
pub(super) fn measure(
    cache: &Cache,
    plan: &Plan,
    trees: &[Location],
    jobs: Jobs,
    reporter: &mut dyn Reporter,
) -> Result<Measurement> {
    if trees.is_empty() {
        return Ok(Measurement::default());
    }
    let others = plan.entries_besides(&trees.iter().collect::<HashSet<_>>());
    let (meter, stop, clones) =
        (Meter::new(jobs).with_extents(), reporter.stop(), VmClones::of_user());
    let mut watch = |progress: &_| reporter.measuring(progress);
    let mut found = meter.measure(cache, trees, &stop, &mut watch)?;
    meter.find_outside_holders(cache, &mut found, &others, clones.as_ref(), &stop)?;
    Ok(found)
}
