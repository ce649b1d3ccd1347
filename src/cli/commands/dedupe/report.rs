//! Everything that `dedupe` reports, independent of the format.

use crate::cache::{Inventory, Location};
use crate::dedupe::{LeftOut, LeftOutEntry, Outcome, Plan, Shared};

/// A plan or its results.
pub struct Report<'a> {
    pub is_possible: bool,
    pub dry_run: bool,
    pub is_interrupted: bool,
    pub shared: Shared,
    pub entries: Vec<(&'a Location, Shared)>,
    /// Bytes freed according to the file system; `None` if nothing was done.
    pub freed: Option<i64>,
    pub left_out: Option<&'a LeftOut>,
    pub left_out_entries: &'a [LeftOutEntry],
    pub inventory: &'a Inventory,
}

impl<'a> Report<'a> {
    /// The report if there is no cache, or files cannot share data.
    pub fn impossible(inventory: &'a Inventory, dry_run: bool) -> Self {
        Self {
            is_possible: false,
            dry_run,
            is_interrupted: false,
            shared: Shared::default(),
            entries: Vec::new(),
            freed: None,
            left_out: None,
            left_out_entries: &[],
            inventory,
        }
    }

    pub fn of_plan(plan: &'a Plan, inventory: &'a Inventory, dry_run: bool) -> Self {
        Self { dry_run, ..Self::new(plan, inventory) }
    }

    pub fn of_outcome(plan: &'a Plan, outcome: &'a Outcome<'_>, inventory: &'a Inventory) -> Self {
        Self {
            dry_run: false,
            is_interrupted: outcome.is_interrupted(),
            shared: outcome.shared(),
            entries: outcome.by_entry(),
            freed: Some(outcome.freed_by_file_system()),
            left_out: Some(outcome.left_out()),
            ..Self::new(plan, inventory)
        }
    }

    fn new(plan: &'a Plan, inventory: &'a Inventory) -> Self {
        Self {
            is_possible: true,
            dry_run: true,
            is_interrupted: false,
            shared: plan.shared(),
            entries: plan.by_entry(),
            freed: None,
            left_out: Some(plan.left_out()),
            left_out_entries: plan.left_out_entries(),
            inventory,
        }
    }
}
