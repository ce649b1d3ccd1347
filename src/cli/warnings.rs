//! What the user should know besides: what could not be read, and whether the refs can be believed.

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

/// A warning that the refs of the cache at `cache_dir` may be incomplete, on one line.
pub fn dropped_refs(inventory: &Inventory, plan: &Plan, cache_dir: &Path) -> Option<String> {
    // What goes although something tells what it is has been replaced.
    let is_replaced = |image: &Entry| {
        let decision = plan.get(&image.location);
        decision.is_some_and(|found| {
            found.verdict == Verdict::Remove(RemoveReason::Orphan) && found.identity.is_some()
        })
    };
    let path = Folder::Refs.path_in(cache_dir);
    let path = Escaped::new(&path);
    let (what, who) = match DroppedRefs::new(inventory, Timestamp::now(), is_replaced)? {
        DroppedRefs::Missing { images } => (format!("there is no {path}"), plural(images, "image")),
        DroppedRefs::Younger { orphans, .. } => {
            let orphans = plural(orphans, "orphan");
            (format!("{path} is younger than the last use of {orphans}"), "they".to_owned())
        }
    };
    Some(format!(
        "{what}: Brood Box may have dropped its references, as it does after 7 idle days, so {who} \
         may still be wanted. Running an image writes its reference again"
    ))
}

/// Which processes may use something without this being known, on one line, with a way to know better.
pub fn unknown_users(in_use: &InUse, is_root: bool) -> Option<String> {
    let mut processes = Vec::new();
    let count = in_use.uninspected().len();
    if count > 0 {
        processes.push(format!("{} could not be inspected", processes_of(count)));
    }
    processes.extend(in_use.unseen().iter().map(|unseen| match unseen {
        Unseen::OtherPidNamespaces => "processes outside this container are not seen".to_owned(),
        Unseen::HiddenProcesses => "/proc hides processes of other users".to_owned(),
    }));
    let way_out = match (in_use.unseen().contains(&Unseen::OtherPidNamespaces), is_root) {
        (true, _) => "Run this on the host as root to see them.",
        (false, false) => "Run this as root to see them.",
        (false, true) => "-v names them.",
    };
    let processes = processes.join("; ");
    (!processes.is_empty())
        .then(|| format!("{processes}: an image that only they use is not kept. {way_out}"))
}

fn processes_of(count: usize) -> String {
    if count == 1 {
        "1 process".to_owned()
    } else {
        format!("{} processes", HumanCount(count as u64))
    }
}

/// A line for each problem that is known, and one for the others.
pub fn unread_in_tree(problems: &Problems) -> Vec<String> {
    let mut lines: Vec<_> = problems.first().iter().map(ToString::to_string).collect();
    let more = problems.count() - problems.first().len() as u64;
    if more > 0 {
        lines.push(format!("{more} more problems in the same tree"));
    }
    lines
}

/// What could not be read of the cache, safe to print. Whatever else lies there, such as `lost+found`, may be closed to
/// its user.
pub fn unread(inventory: &Inventory, cache_usage: &CacheUsage) -> Vec<String> {
    let foreign: HashSet<_> = inventory.foreign().collect();
    let trees = cache_usage.measurement().all_problems();
    let trees = trees.filter(|(location, _)| !foreign.contains(location));
    let trees = trees.flat_map(|(_, problems)| unread_in_tree(problems));
    cache_usage.problems().iter().map(ToString::to_string).chain(trees).collect()
}

/// What could not be read of what a plan removes, safe to print: it could not be removed either.
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
            notes.warnings.extend(dropped_refs(inventory, &Plan::default(), &context.cache_dir));
        }
        notes
    }

    /// What could not be read in the trees that were measured.
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

    /// What could be had; what it was that could not is noted.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.faults([error.to_string()].into_iter())).ok()
    }
}
