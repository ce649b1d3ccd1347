//! Runs the command, from its arguments to its exit code.

use super::findings::{Findings, Subject};
use super::{json, text};
use crate::cache::{Cache, Inventory};
use crate::cli::args::{Diff, Format};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::find_image::{choose, gone, no_cache};
use crate::cli::measure::Measuring;
use crate::cli::named_cache;
use crate::cli::ui::json::document;
use crate::cli::warnings::Notes;
use crate::gc::{self, Reporter};
use crate::usage::{Comparison, Usage, compare_contents};

pub fn run(context: &Context<'_>, args: &Diff) -> Result<Ending, Failure> {
    let Some(cache) = named_cache::open(context)? else {
        return Err(no_cache(context, &args.old).into());
    };
    let inventory = cache.inventory()?;
    named_cache::check_content(context, &inventory)?;
    let old = Subject::new(&inventory, choose(context, &inventory, &args.old)?);
    let new = match &args.new {
        Some(new) => choose(context, &inventory, new)?,
        None => {
            let reference = successor(context, &cache, &inventory, &old)?;
            choose(context, &inventory, &reference)?
        }
    };
    let new = Subject::new(&inventory, new);
    if old.digest == new.digest {
        return refuse(format!("both are {}; choose two different images", old.digest));
    }
    compare(context, args, &cache, &inventory, [old, new])
}

/// The reference of the build that replaced an orphan, if there is a clue.
fn successor(
    context: &Context<'_>,
    cache: &Cache,
    inventory: &Inventory,
    old: &Subject<'_>,
) -> Result<String, Failure> {
    let hint = |reason: String| {
        let command = context.command(&format!("diff {} IMAGE", old.digest.short()));
        refuse(format!("{reason}; specify the image to compare it with: `{command}`"))
    };
    if !old.refs.is_empty() {
        return hint(format!("{} is not an orphan", old.digest));
    }
    let (plan, _) = gc::plan_listed(cache, inventory, None);
    let identity = plan.get(old.location).and_then(|decision| decision.identity.clone());
    match identity.and_then(|identity| identity.reference) {
        Some(reference) => Ok(reference),
        None => hint(format!("it is unknown what replaced {}", old.digest)),
    }
}

fn compare(
    context: &Context<'_>,
    args: &Diff,
    cache: &Cache,
    inventory: &Inventory,
    [old, new]: [Subject<'_>; 2],
) -> Result<Ending, Failure> {
    let mut notes = Notes::of_index(context, inventory, false);
    let configs = [&old, &new].map(|image| notes.keep(cache.config(image.location)).flatten());
    let locations = [old.location, new.location];
    let trees = locations.map(Clone::clone);
    let others = inventory.entries.iter().map(|entry| &entry.location);
    let others: Vec<_> = others.filter(|other| !trees.contains(other)).cloned().collect();
    let meter = context.meter().with_extents().with_names();
    let mut measuring = Measuring::new(context);
    let measured = gc::measure(cache, meter, &trees, &others, &mut measuring)?;
    notes.of_trees(&measured);
    for image in [&old, &new] {
        if measured.usage(image.location).is_none_or(|usage| usage == Usage::default()) {
            return Err(gone(context, image.digest).into());
        }
    }
    let breakdown = |at| measured.breakdown(at).expect("it was measured with its parts");
    let comparison = Comparison::new(breakdown(old.location), breakdown(new.location));
    let contents = args
        .content
        .then(|| compare_contents(cache, locations, &comparison, context.jobs, &measuring.stop()));
    drop(measuring);
    let contents = contents.transpose()?;
    let problems = contents.iter().flat_map(|contents| &contents.problems);
    notes.faults(problems.map(ToString::to_string));
    let found = Findings {
        unique: measured.unique(new.location).expect("it was measured"),
        usage: measured.usage(new.location).expect("it was measured"),
        images: [old, new],
        configs,
        comparison,
        contents,
        notes,
    };
    show(context, args, &found)?;
    Ok(if found.notes.is_incomplete { Ending::Incomplete } else { Ending::Done })
}

fn show(context: &Context<'_>, args: &Diff, found: &Findings<'_>) -> Result<(), Failure> {
    let console = context.console;
    if context.format == Format::Json {
        let shown = json::Document::new(context, args, found);
        return Ok(console.write(document(&shown))?);
    }
    console.write(text::render(found, args, console.verbose, console.width()))?;
    found.notes.warnings.iter().for_each(|warning| console.warn(warning));
    Ok(())
}
