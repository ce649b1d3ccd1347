//! `bbox cache gc`: removes unreferenced images, and others that the user no longer wants.

use std::path::Path;

use bytesize::ByteSize;
use jiff::Timestamp;

use crate::cache::Cache;
use crate::cli::args::{Gc, Layers};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::measure::Measuring;
use crate::cli::named_cache;
use crate::cli::removal::{self, Removal, Report};
use crate::cli::ui::units::{bytes, period, plural, size};
use crate::cli::warnings::{dropped_refs, unread};
use crate::escape::Escaped;
use crate::gc::{self, Draft};
use crate::plan::{self, GcOptions, KeepReason, LayerChoice, Limit, Room};
use crate::usage::Size;

pub fn run(context: &Context<'_>, args: &Gc) -> Result<Ending, Failure> {
    let has_policy = args.unused_for.is_some() || limit(args).is_some();
    let removal = Removal {
        context,
        dry_run: args.dry_run,
        asks: has_policy && !args.yes && context.console.can_ask(),
        no_wait: args.no_wait,
        make_draft: |cache: &Cache, report: &mut Report| make_draft(context, args, cache, report),
    };
    removal.run(|mut report, cache| {
        let has_time = !context.console.quiet && !context.signals.stop().is_raised();
        if let Some(cache) = cache.filter(|_| has_time && !args.dry_run) {
            report.look_at_rest(context, cache);
        }
        if let Some(warning) = short_of_target(&report) {
            report.warn(context, warning);
        }
        report.finish(context)
    })
}

fn make_draft(
    context: &Context<'_>,
    args: &Gc,
    cache: &Cache,
    report: &mut Report,
) -> Result<Draft, Failure> {
    let options = GcOptions {
        keep_recent: args.keep_recent,
        all: args.all,
        unused_for: args.unused_for,
        limit: limit(args),
        exclude: args.exclude.clone(),
        temp_age: args.temp_age,
        layers: choice(args.layers),
        ..GcOptions::default()
    };
    let mut draft = gc::plan(cache, &options, context.jobs, &mut Measuring::new(context))?;
    named_cache::check_content(context, &draft.inventory)?;
    if !args.yes && !args.dry_run && !context.console.can_ask() {
        keep_wanted(options, &mut draft, report);
    }
    report.limits = limits(args);
    if args.in_place {
        draft.plan.allow_in_place();
    }
    let inventory = &draft.inventory;
    for pattern in &args.exclude {
        if inventory.matching(pattern).next().is_none() {
            let pattern = Escaped::new(&pattern.to_string()).to_string();
            report.warn(context, format!("--exclude '{pattern}' matches no image"));
        }
    }
    for invalid in &inventory.refs.invalid {
        report.warn(context, invalid.warning(cache.path()));
    }
    if let Some(warning) = dropped_refs(inventory, &draft.plan, &context.cache_dir) {
        report.warn(context, warning);
    }
    for location in draft.evidence.activity.after(Timestamp::now()) {
        if draft.plan.get(location).is_some_and(|kept| kept.verdict.keeps_for(KeepReason::Recent)) {
            report.warn(context, changed_in_future(&location.path_in(cache.path())));
        }
    }
    removal::tell(context, &draft, report);
    if args.layers.is_some() {
        let unseen = draft.evidence.lifetimes.problems.iter().map(ToString::to_string);
        report.problems.extend(unseen);
    }
    let unread = draft.evidence.usage.as_ref().map(|usage| unread(inventory, usage));
    report.problems.extend(unread.unwrap_or_default());
    if let Some(warning) = over_limit(args.max_size, draft.plan.left()) {
        report.warn(context, warning);
    }
    Ok(draft)
}

/// The user's limits in words, as the program understood them.
fn limits(args: &Gc) -> Vec<String> {
    let unused = args.unused_for.map(|limit| format!("unused for {}", period(limit)));
    let limit = limit(args).map(|limit| match limit {
        Limit::MaxSize(size) => format!("at most {} in all", bytes(size)),
        Limit::MinFree(Room::Bytes(room)) => format!("until {} is available", bytes(room)),
        Limit::MinFree(Room::Percent(percent)) => {
            format!("until {percent}% of the disk is available")
        }
    });
    [unused, limit].into_iter().flatten().collect()
}

fn limit(args: &Gc) -> Option<Limit> {
    args.max_size.map(Limit::MaxSize).or(args.min_free.map(Limit::MinFree))
}

/// Without a terminal for questions, carries out only the safe part of a plan and reports the rest
/// as a failure.
fn keep_wanted(options: GcOptions, draft: &mut Draft, report: &mut Report) {
    let wanted: Vec<_> = removal::wanted(&draft.plan).map(removal::label).collect();
    if wanted.is_empty() {
        return;
    }
    let (images, wanted) = (plural(wanted.len(), "image"), wanted.join(", "));
    report.problems.push(format!(
        "{images} that may still be wanted not removed without confirmation (no terminal): {wanted}; pass --yes to remove them"
    ));
    let options = GcOptions { keep_wanted: true, ..options };
    draft.plan = plan::gc(&draft.inventory, &options, &draft.evidence);
}

/// The warning if the cache cannot get as small as the user wants.
fn over_limit(limit: Option<ByteSize>, left: Option<Size>) -> Option<String> {
    let (limit, left) = (limit?, left?);
    (left.at_least() > limit).then(|| {
        format!(
            "can only get down to {} (limit {}): the rest is in use, leased, recent, or may still be wanted",
            size(left),
            bytes(limit)
        )
    })
}

/// The warning if less disk space is available than the user wants.
fn short_of_target(report: &Report) -> Option<String> {
    let (target, available) = (report.plan().target()?.available, report.available()?);
    let missing = target.as_u64().checked_sub(available.as_u64()).filter(|missing| *missing > 0)?;
    let [missing, target] = [ByteSize::b(missing), target].map(bytes);
    let up_to = if report.is_dry_run() { "up to " } else { "" };
    Some(format!(
        "{up_to}{missing} short of {target} available: the rest is in use, leased, recent, or may still be wanted"
    ))
}

/// The clock was set back, so the age of an extraction is unknown.
fn changed_in_future(path: &Path) -> String {
    let path = Escaped::new(path);
    format!(
        "{path} was last changed in the future, so it is kept until then; --temp-age=0s removes it"
    )
}

fn choice(layers: Option<Layers>) -> LayerChoice {
    match layers {
        None => LayerChoice::None,
        Some(Layers::Unreferenced) => LayerChoice::Unreferenced,
        Some(Layers::All) => LayerChoice::All,
    }
}
