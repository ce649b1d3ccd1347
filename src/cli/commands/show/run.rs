//! Runs the command, from its arguments to its exit code.

use super::profile::Profile;
use super::{facts, json, tree};
use crate::cli::args::{Format, Show};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::find_image::{choose, no_cache};
use crate::cli::named_cache;
use crate::cli::ui::json::document;

pub fn run(context: &Context<'_>, args: &Show) -> Result<Ending, Failure> {
    let Some(cache) = named_cache::open(context)? else {
        return Err(no_cache(context, &args.image).into());
    };
    let inventory = cache.inventory()?;
    named_cache::check_content(context, &inventory)?;
    let (_, digest) = choose(context, &inventory, &args.image)?;
    if context.console.quiet && context.format == Format::Table {
        context.console.line(digest)?;
        return Ok(Ending::Done);
    }
    let profile = Profile::new(context, args, &cache, &inventory, digest)?;
    print(context, args, &profile)?;
    Ok(if profile.notes.is_incomplete { Ending::Incomplete } else { Ending::Done })
}

fn print(context: &Context<'_>, args: &Show, profile: &Profile<'_>) -> Result<(), Failure> {
    let console = context.console;
    if context.format == Format::Json {
        return Ok(console.write_raw(document(&json::Document::new(profile, args)).as_bytes())?);
    }
    let facts = facts::render(profile, console.width());
    let tree = tree::render(profile.breakdown(), profile.part_path(), args, console.width());
    console.write(format!("{facts}\n{tree}"))?;
    profile.notes.warnings.iter().for_each(|warning| console.warn(warning));
    Ok(())
}
