//! What a collection would do with what is listed.

use jiff::Timestamp;

use super::occupation::Occupation;
use crate::cache::{Cache, Inventory, Lifetimes};
use crate::plan::{Activity, Conditions, Plan, collect};
use crate::usage::CacheUsage;

/// The plan of a collection that waits until nothing has arrived just now, and when everything was
/// made.
#[derive(Default)]
pub struct Judgement {
    pub plan: Plan,
    pub lifetimes: Lifetimes,
}

impl Judgement {
    /// Judges everything.
    pub fn new(
        cache: &Cache,
        inventory: &Inventory,
        census: Option<&CacheUsage>,
        occupation: &Occupation,
    ) -> Self {
        let (activity, lifetimes) = (activity(inventory, census), cache.lifetimes(inventory));
        let users = occupation.users.clone().unwrap_or_default();
        let leases = occupation.leases.clone();
        let now = Conditions::settled_after(Timestamp::now());
        let given = Conditions { activity, lifetimes, users, leases, ..now };
        let plan = collect(inventory, &given);
        Self { plan, lifetimes: given.lifetimes }
    }

    /// Judges by names alone, for a list that says nothing of layers and extractions.
    pub fn of_names(inventory: &Inventory) -> Self {
        let plan = collect(inventory, &Conditions::settled_after(Timestamp::now()));
        Self { plan, lifetimes: Lifetimes::default() }
    }
}

/// When the extractions were changed last, as far as that was looked at.
fn activity(inventory: &Inventory, census: Option<&CacheUsage>) -> Activity {
    let Some(measured) = census.map(CacheUsage::measurement) else { return Activity::default() };
    let entries = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let changes =
        entries.map(|entry| (entry.location.clone(), measured.newest_change(&entry.location)));
    Activity::new(&changes.collect::<Vec<_>>())
}
