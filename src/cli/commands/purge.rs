//! `bbox cache purge`: removes the whole cache directory.

use std::collections::HashSet;
use std::path::Path;

use bytesize::ByteSize;

use crate::cache::{Cache, Entry, EntryKind, LockedCache};
use crate::cli::args::Purge;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::removal::{self, Counts, Report};
use crate::cli::ui::units::estimate;
use crate::error::Context as _;
use crate::gc::{self, Draft};
use crate::plan::{Decision, Item, Plan};
use crate::sweep::{folder_bytes, remove_folders, unlock_folders};

pub fn run(context: &Context<'_>, args: &Purge) -> Result<Ending, Failure> {
    let mut report = Report::new(args.dry_run);
    let asks = !args.force && !args.dry_run;
    if !is_purgeable(context, asks)? {
        return report.finish(context);
    }
    let Some(cache) = context.open_cache()? else { return report.finish(context) };
    if asks || args.dry_run {
        let draft = prepare(context, &cache, &mut report)?;
        report.note_draft(context, &cache, draft)?;
        // A purge leaves nothing.
        report.left = None;
        report.extra_freed = folder_bytes(&cache);
    }
    // Another gc should not have to wait for the user's answer, so take the lock afterwards.
    if asks && !removal::confirm(context, question(context, &report))? {
        return removal::decline(context);
    }
    if args.dry_run {
        return report.finish(context);
    }
    let Some(cache) = removal::open_locked(context, args.no_wait)? else {
        return Report::new(args.dry_run).finish(context);
    };
    check_place(context)?;
    check_content(context, &cache)?;
    carry_out(context, &cache, &report, asks)
}

fn prepare(context: &Context<'_>, cache: &Cache, report: &mut Report) -> Result<Draft, Failure> {
    report.whole = Some(context.shown_dir());
    let draft = gc::plan_purge(cache)?;
    let (inventory, evidence) = (&draft.inventory, &draft.evidence);
    let unreadable = inventory.refs.unreadable.iter().filter(|found| found.file.is_none());
    let unreadable = unreadable.map(|found| found.error.to_string());
    report.problems =
        inventory.problems.iter().map(ToString::to_string).chain(unreadable).collect();
    if evidence.in_use.is_none() && evidence.problems.is_empty() {
        let warning = "this system does not report which processes use an image, so images in use are removed, too";
        report.warn(context, warning.to_owned());
    }
    evidence.problems.iter().for_each(|problem| report.warn(context, problem.to_string()));
    for decision in draft.plan.decisions() {
        match removal::unremovable(decision) {
            Some(refusal) if is_foreign_refusal(decision) => report.warn(context, refusal),
            refusal => report.problems.extend(refusal),
        }
    }
    removal::tell_of_uninspected(context, &draft, report);
    Ok(draft)
}

fn carry_out(
    context: &Context<'_>,
    cache: &LockedCache,
    agreed: &Report,
    asked: bool,
) -> Result<Ending, Failure> {
    unlock_folders(cache)?;
    // The answer covers images that were added or removed since the question, but not new users, or
    // new entries that are not part of the cache.
    let mut report = Report::new(false);
    let draft = prepare(context, cache, &mut report)?;
    if asked && !concerns(&draft.plan).is_subset(&concerns(agreed.plan())) {
        return removal::refuse_changed(context);
    }
    // On XFS a directory gets smaller when it is emptied, so measure now.
    let folders = folder_bytes(cache);
    removal::carry_out(context, cache, draft.plan, asked, &mut report)?;
    finish_off(context, cache, folders, &mut report);
    report.finish(context)
}

/// Whether there is anything to purge. Fails for a directory that must not be purged, or not
/// without a question.
fn is_purgeable(context: &Context<'_>, asks: bool) -> Result<bool, Failure> {
    let Some(cache) = context.open_cache()? else { return Ok(false) };
    check_place(context)?;
    if cache.is_empty()? {
        return Ok(false);
    }
    check_content(context, &cache)?;
    if asks && !context.console.can_ask() {
        return refuse("no terminal to confirm on; pass --force");
    }
    Ok(true)
}

/// Fails for directories that are never a cache, whatever `--cache-dir` says.
fn check_place(context: &Context<'_>) -> Result<(), Failure> {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let place = context.cache_dir.canonicalize().context("find", &context.cache_dir)?;
    match refusal(&place, home.as_deref()) {
        Some(what) => refuse(format!("refusing to purge {}: it is {what}", context.shown_dir())),
        None => Ok(()),
    }
}

/// Both paths without symlinks.
fn refusal(place: &Path, home: Option<&Path>) -> Option<&'static str> {
    match (place.parent(), home) {
        (None, _) => Some("the root directory"),
        (_, Some(home)) if home == place => Some("your home directory"),
        (_, Some(home)) if home.starts_with(place) => Some("a parent of your home directory"),
        _ => None,
    }
}

/// Fails if a directory given by the user does not look like a cache: it may be a typo.
fn check_content(context: &Context<'_>, cache: &Cache) -> Result<(), Failure> {
    if context.is_given && !cache.inventory()?.looks_like_a_cache() {
        refuse(format!(
            "refusing to purge {}: it does not look like an image cache",
            context.shown_dir()
        ))
    } else {
        Ok(())
    }
}

/// The items in use with their users, one line each.
fn in_use(plan: &Plan) -> impl Iterator<Item = String> + '_ {
    let used = plan.decisions().iter().filter(|decision| !decision.users.is_empty());
    used.map(|decision| {
        format!("{} is in use by {}", removal::label(decision), removal::users_of(decision))
    })
}

/// Everything that the question must have shown.
fn concerns(plan: &Plan) -> HashSet<String> {
    plan.foreign().map(ToString::to_string).chain(in_use(plan)).collect()
}

fn question(context: &Context<'_>, report: &Report) -> String {
    let counts = Counts::new(report.plan().decisions().iter().map(|decision| &decision.item));
    let foreign: Vec<_> = report.plan().foreign().map(ToString::to_string).collect();
    let foreign = if foreign.is_empty() {
        String::new()
    } else {
        format!("Not part of the cache, but removed with it: {}\n", foreign.join(", "))
    };
    let bytes = estimate(report.freed());
    let users: String = in_use(report.plan()).map(|line| line + "\n").collect();
    let images = removal::purged_images(report.plan(), context.console.width());
    format!("{images}{foreign}{users}Remove {} with {counts}, {bytes}?", context.shown_dir())
}

/// Removes the folders if everything in them is gone. `folders` is the space they occupied.
fn finish_off(context: &Context<'_>, cache: &LockedCache, folders: ByteSize, report: &mut Report) {
    let mounted = report.plan().decisions().iter().filter(|decision| decision.mount.is_some());
    let mounted: Vec<_> = mounted.map(removal::mounted).collect();
    report.problems.extend(mounted);
    let is_done = |decision: &Decision| report.is_removed(decision) || is_foreign_refusal(decision);
    if !report.plan().decisions().iter().all(is_done) {
        return;
    }
    match remove_folders(cache) {
        Ok(removed) => {
            report.extra_freed = if removed.kept_place { removed.freed } else { folders };
            if removed.kept_place {
                report.whole = Some(format!("the contents of {}", context.shown_dir()));
            }
        }
        Err(error) => report.problems.push(error.to_string()),
    }
}

/// Whether an item is kept because it is neither the cache's nor the user's, such as `lost+found`.
fn is_foreign_refusal(decision: &Decision) -> bool {
    let is_foreign = matches!(&decision.item, Item::Entry(Entry { kind: EntryKind::Foreign, .. }));
    is_foreign && decision.refusal.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_home_and_no_parent_of_it_is_purged() {
        let home = Some(Path::new("/home/u"));
        for (place, refused) in [
            ("/", true),
            ("/home", true),
            ("/home/u", true),
            ("/home/u/.cache/broodbox/images", false),
            ("/home/u2", false),
            ("/mnt/cache", false),
        ] {
            assert_eq!(refusal(Path::new(place), home).is_some(), refused, "{place}");
        }
        assert!(refusal(Path::new("/"), None).is_some());
        assert!(refusal(Path::new("/home"), None).is_none());
    }
}
