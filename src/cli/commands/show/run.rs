//! Runs the command, from its arguments to its exit code.

use std::collections::HashSet;
use std::path::PathBuf;

use super::profile::Profile;
use super::{facts, json, tree};
use crate::cache::Entry;
use crate::cli::args::{Format, Show};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::find_image::{choose_entry, leads_into_cache, no_cache};
use crate::cli::named_cache;
use crate::cli::ui::json::document;
use crate::cli::values::parse_inner_path;

pub fn run(context: &Context<'_>, args: &Show) -> Result<Ending, Failure> {
    let (names, path) = split(context, &args.names)?;
    let Some(cache) = named_cache::open(context)? else {
        return Err(no_cache(context, &names[0]).into());
    };
    let inventory = cache.inventory()?;
    named_cache::check_content(context, &inventory)?;
    let mut chosen = Vec::new();
    for name in names {
        let entry = choose_entry(context, &inventory, name)?;
        if chosen.iter().all(|other: &&Entry| other.location != entry.location) {
            chosen.push(entry);
        }
    }
    if context.console.quiet && context.format == Format::Table {
        let digests = chosen.iter().filter_map(|entry| entry.kind.digest());
        digests.into_iter().try_for_each(|digest| context.console.line(digest))?;
        return Ok(Ending::Done);
    }
    let profiles = chosen
        .into_iter()
        .map(|entry| Profile::new(context, args, path.as_deref(), &cache, &inventory, entry))
        .collect::<Result<Vec<_>, _>>()?;
    print(context, args, &profiles)?;
    let is_incomplete = profiles.iter().any(|profile| profile.notes.is_incomplete);
    Ok(if is_incomplete { Ending::Incomplete } else { Ending::Done })
}

/// Splits the names of images from a path inside of them. A path into the cache names an image,
/// too.
fn split<'a>(
    context: &Context<'_>,
    names: &'a [String],
) -> Result<(&'a [String], Option<PathBuf>), Failure> {
    match names {
        [images @ .., path]
            if !images.is_empty() && path.starts_with('/') && !leads_into_cache(context, path) =>
        {
            Ok((images, Some(parse_inner_path(path).or_else(refuse)?)))
        }
        images => Ok((images, None)),
    }
}

fn print(context: &Context<'_>, args: &Show, profiles: &[Profile<'_>]) -> Result<(), Failure> {
    let console = context.console;
    if context.format == Format::Json {
        let mut documents: Vec<_> =
            profiles.iter().map(|profile| json::Document::new(profile, args)).collect();
        let text = match documents.len() {
            1 => document(&documents.remove(0)),
            _ => document(&json::Several { images: documents }),
        };
        return Ok(console.write_raw(text.as_bytes())?);
    }
    let pages = profiles.iter().map(|profile| {
        let facts = facts::render(profile, console.width());
        let tree = tree::render(profile.breakdown(), profile.part_path(), args, console.width());
        format!("{facts}\n{tree}")
    });
    console.write(pages.collect::<Vec<_>>().join("\n"))?;
    // All of them are told the same of the cache as a whole.
    let mut told = HashSet::new();
    let warnings = profiles.iter().flat_map(|profile| &profile.notes.warnings);
    warnings.filter(|warning| told.insert(*warning)).for_each(|warning| console.warn(warning));
    Ok(())
}
