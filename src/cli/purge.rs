//! `bbox cache purge`: removes the whole cache directory.

use std::path::Path;

use super::args::Purge;
use super::context::Context;
use super::failure::{Ending, Failure};
use super::removal::{self, Counts, Report};
use super::signals::Signals;
use super::ui::units::size;
use crate::cache::{Cache, CacheLock, Inventory};
use crate::plan::purge;
use crate::sweep::raze;

pub fn run(context: &Context<'_>, args: &Purge) -> Result<Ending, Failure> {
    let signals = Signals::listen()?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    let Some(cache) = context.open()? else { return report.finish(context, &signals) };
    check_place(context)?;
    if cache.is_empty()? {
        return report.finish(context, &signals);
    }
    check_content(context, &cache.inventory()?)?;
    let asks = !args.force && !args.dry_run;
    if asks && !context.console.can_ask() {
        return refuse("there is no terminal to ask on; --force purges without asking");
    }
    let lock = match args.dry_run {
        true => None,
        false => Some(removal::lock(context, &cache, &signals)?),
    };
    let inventory = cache.inventory()?;
    report.plan = purge(&inventory);
    report.warnings = inventory.problems.iter().map(ToString::to_string).collect();
    report.whole = Some(context.shown_dir());
    match removal::measure(context, &cache, &mut report.plan, &signals)? {
        Some(reclaimable) => report.reclaimable = reclaimable,
        None => return Ok(removal::interrupted(context, &signals)),
    }
    if asks && !signals.let_through(|| context.console.confirm(question(context, &report)))? {
        context.console.note("Nothing was removed.");
        return Ok(Ending::Done);
    }
    if let Some(lock) = lock {
        carry_out(context, &cache, &lock, &signals, &mut report)?;
    }
    report.finish(context, &signals)
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(reason.into()))
}

/// Whatever `--cache-dir` says, some directories are nobody's cache.
fn check_place(context: &Context<'_>) -> Result<(), Failure> {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let place = context.cache_dir.canonicalize()?;
    match refusal(&place, home.as_deref()) {
        Some(what) => refuse(format!("{} is {what}: it is not purged", context.shown_dir())),
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

/// A directory that the user has named may be a slip of the keyboard.
fn check_content(context: &Context<'_>, inventory: &Inventory) -> Result<(), Failure> {
    match context.is_given && !inventory.looks_like_a_cache() {
        true => refuse(format!(
            "nothing in {} looks like an image cache: it is not purged",
            context.shown_dir()
        )),
        false => Ok(()),
    }
}

fn question(context: &Context<'_>, report: &Report) -> String {
    let counts = Counts::of(report.plan.decisions.iter().map(|decision| &decision.item));
    let strangers: Vec<_> = report.plan.strangers().map(ToString::to_string).collect();
    let strangers = match strangers.is_empty() {
        true => String::new(),
        false => format!("Not of the cache, and removed with it: {}\n", strangers.join(", ")),
    };
    let bytes = size(report.reclaimable);
    format!("{strangers}Remove {} with {counts}, {bytes}?", context.shown_dir())
}

fn carry_out(
    context: &Context<'_>,
    cache: &Cache,
    lock: &CacheLock,
    signals: &Signals,
    report: &mut Report,
) -> Result<(), Failure> {
    let outcome = removal::carry_out(context, cache, lock, &report.plan, signals)?;
    report.outcome = Some(outcome);
    if (0..report.plan.decisions.len()).all(|index| report.is_removed(index)) {
        let razed = raze(cache, lock)?;
        report.extra_freed = razed.freed;
        if razed.kept_for_symlink {
            context.console.note(format_args!(
                "{} is a symlink: the directory it leads to is empty now, and still there.",
                context.shown_dir()
            ));
        }
    }
    Ok(())
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
