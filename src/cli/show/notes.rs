//! What the user should know besides, and whether something is missing.

use crate::cache::Inventory;
use crate::cli::context::Context;
use crate::cli::{doubt, problems};
use crate::error::Result;
use crate::usage::Measurement;

#[derive(Default)]
pub struct Notes {
    /// Each on one line, safe to print.
    pub warnings: Vec<String>,
    /// Whether something could not be read.
    pub is_incomplete: bool,
}

impl Notes {
    /// What there is to say of the inventory and the refs in it. Where it calls the image an orphan, a
    /// ref that says nothing usable may be the reason.
    pub fn of_index(context: &Context<'_>, inventory: &Inventory, is_orphan: bool) -> Self {
        let mut notes = Self::default();
        let unreadable = inventory.refs.unreadable.iter().map(|found| &found.error);
        notes.faults(inventory.problems.iter().chain(unreadable).map(ToString::to_string));
        if is_orphan {
            let invalid = inventory.refs.invalid.iter();
            notes.warnings.extend(invalid.map(|found| found.warning(&context.cache_dir)));
            notes.warnings.extend(doubt::warning(inventory, &context.cache_dir));
        }
        notes
    }

    /// What could not be read in the trees that were measured.
    pub fn of_trees(&mut self, measured: &Measurement) {
        self.faults(measured.all_problems().flat_map(|(_, problems)| problems::lines(problems)));
    }

    pub fn hint(&mut self, hint: String) {
        self.warnings.push(hint);
    }

    pub fn faults(&mut self, faults: impl Iterator<Item = String>) {
        let before = self.warnings.len();
        self.warnings.extend(faults);
        self.is_incomplete |= self.warnings.len() > before;
    }

    /// What could be had; what it was that could not is noted.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.faults([error.to_string()].into_iter())).ok()
    }
}
