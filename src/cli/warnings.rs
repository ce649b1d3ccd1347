//! Warnings for the user: about unreadable parts of the cache, and about the references.

use std::collections::HashSet;
use std::path::Path;

use indicatif::HumanCount;

use jiff::Timestamp;

use crate::cache::{Entry, EntryKind, Folder, InUse, Inventory, Location, Unseen};
use crate::cli::context::Context;
use crate::cli::ui::units::plural;
use crate::error::{Problems, Result};
use crate::escape::Escaped;
use crate::plan::{DroppedRefs, Item, Plan, RemoveReason, Verdict};
use crate::usage::{CacheUsage, Measurement};

/// A one-line warning that the refs of the cache at `cache_dir` may be incomplete.
pub fn dropped_refs(inventory: &Inventory, plan: &Plan, cache_dir: &Path) -> Option<String> {
    // A removed orphan with known tokens was replaced.
    let is_replaced = |image: &Entry| {
        let decision = plan.get(&image.location);
        decision.is_some_and(|found| {
            found.verdict == Verdict::Remove(RemoveReason::Orphan) && found.identity.is_some()
        })
    };
    let path = Folder::Refs.path_in(cache_dir);
    let path = Escaped::new(&path);
    let (what, who) = match DroppedRefs::new(inventory, Timestamp::now(), is_replaced)? {
        DroppedRefs::Missing { images } => {
            (format!("{path} does not exist"), plural(images, "image"))
        }
        DroppedRefs::Younger { orphans, .. } => {
            let orphans = plural(orphans, "orphan");
            (format!("{path} is newer than the last use of {orphans}"), "they".to_owned())
        }
    };
    Some(format!(
        "{what}: Brood Box may have dropped its references, as it does after 7 idle days, so {who} \
         may still be wanted. Running an image writes its reference again"
    ))
}

/// A one-line note about processes that may use images unnoticed, with a hint how to see more.
pub fn unknown_users(in_use: &InUse, is_root: bool) -> Option<String> {
    let mut processes = Vec::new();
    let count = in_use.uninspected().len();
    if count > 0 {
        processes.push(format!("{} could not be inspected", processes_of(count)));
    }
    processes.extend(in_use.unseen().iter().map(|unseen| match unseen {
        Unseen::OtherPidNamespaces => "processes outside this container are not visible".to_owned(),
        Unseen::HiddenProcesses => "/proc hides processes of other users".to_owned(),
    }));
    let them = if count == 1 && in_use.unseen().is_empty() { "it" } else { "them" };
    let way_out = match (in_use.unseen().contains(&Unseen::OtherPidNamespaces), is_root) {
        (true, _) => format!("Run this on the host as root to see {them}."),
        (false, false) => format!("Run this as root to see {them}."),
        (false, true) => format!("-v shows {them}."),
    };
    let processes = processes.join("; ");
    (!processes.is_empty())
        .then(|| format!("{processes}: images used only by {them} are not protected. {way_out}"))
}

fn processes_of(count: usize) -> String {
    if count == 1 {
        "1 process".to_owned()
    } else {
        format!("{} processes", HumanCount(count as u64))
    }
}

/// One line per known problem, and one for all others.
pub fn unread_in_tree(problems: &Problems) -> Vec<String> {
    let mut lines: Vec<_> = problems.first().iter().map(ToString::to_string).collect();
    let more = problems.count() - problems.first().len() as u64;
    if more > 0 {
        lines.push(format!("{more} more problems in the same tree"));
    }
    lines
}

/// What was unreadable in the cache, safe to print. Entries that are not part of it, such as
/// `lost+found`, may be unreadable for its user.
pub fn unread(inventory: &Inventory, cache_usage: &CacheUsage) -> Vec<String> {
    let foreign: HashSet<_> = inventory.foreign().collect();
    let trees = cache_usage.measurement().all_problems();
    let trees = trees.filter(|(location, _)| !foreign.contains(location));
    let trees = trees.flat_map(|(_, problems)| unread_in_tree(problems));
    cache_usage.problems().iter().map(ToString::to_string).chain(trees).collect()
}

/// What was unreadable among the items to remove, safe to print: those could not be removed either.
pub fn unread_removals(plan: &Plan, measured: &Measurement) -> Vec<String> {
    let is_foreign =
        |item: &Item| matches!(item, Item::Entry(entry) if entry.kind == EntryKind::Foreign);
    let goes = |location: &Location| {
        let decision = plan.get(location).filter(|decision| decision.verdict.removes());
        decision.is_some_and(|decision| !is_foreign(&decision.item))
    };
    let trees = measured.all_problems().filter(|(location, _)| goes(location));
    trees.flat_map(|(_, problems)| unread_in_tree(problems)).collect()
}

#[derive(Default)]
pub struct Notes {
    /// One line each, safe to print.
    pub warnings: Vec<String>,
    /// Whether anything was unreadable.
    pub is_incomplete: bool,
}

impl Notes {
    /// Notes on the inventory and its refs. If the image counts as an orphan, an unusable ref may
    /// be the reason.
    pub fn of_index(context: &Context<'_>, inventory: &Inventory, is_orphan: bool) -> Self {
        let mut notes = Self::default();
        let unreadable = inventory.refs.unreadable.iter().map(|found| &found.error);
        notes.faults(inventory.problems.iter().chain(unreadable).map(ToString::to_string));
        if is_orphan {
            let invalid = inventory.refs.invalid.iter();
            notes.warnings.extend(invalid.map(|found| found.warning(&context.cache_dir)));
            notes.warnings.extend(dropped_refs(inventory, &Plan::default(), &context.cache_dir));
        }
        notes
    }

    /// Adds what was unreadable in the measured trees.
    pub fn of_trees(&mut self, measured: &Measurement) {
        self.faults(measured.all_problems().flat_map(|(_, problems)| unread_in_tree(problems)));
    }

    pub fn hint(&mut self, hint: String) {
        self.warnings.push(hint);
    }

    pub fn faults(&mut self, faults: impl Iterator<Item = String>) {
        let before = self.warnings.len();
        self.warnings.extend(faults);
        self.is_incomplete |= self.warnings.len() > before;
    }

    /// Returns the value of a result, and adds its error to the notes.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.faults([error.to_string()].into_iter())).ok()
    }
}
