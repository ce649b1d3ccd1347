//! `bbox cache tag` and `untag`: writes a reference to an image, or removes one.

use serde::Serialize;

use crate::cache::{Digest, Inventory, Tagged};
use crate::cli::args::{Format, Tag, Untag};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::cli::find_image::{choose, no_cache};
use crate::cli::removal;
use crate::cli::ui::json::{document, lossy};
use crate::escape::Escaped;

#[derive(Serialize)]
struct Document<'a> {
    cache_dir: String,
    reference: &'a str,
    /// The image that the reference points at now; `null` if it was removed.
    digest: Option<String>,
}

/// Points a reference at an image.
pub fn tag(context: &Context<'_>, args: &Tag) -> Result<Ending, Failure> {
    let missing = || Failure::from(no_cache(context, &args.image));
    let inventory = context.open_cache()?.ok_or_else(missing)?.inventory()?;
    let (_, image) = choose(context, &inventory, &args.image)?;
    // Lock only after the answer: no other gc should have to wait for a user.
    let other = other_image(&inventory, &args.reference, image);
    let replaces = match other {
        Some(other) if !args.yes => ask(context, &args.reference, other)?,
        other => other.is_some() && args.yes,
    };
    if other.is_some() && !replaces {
        context.console.note("Cancelled, nothing changed.");
        return Ok(Ending::Done);
    }
    let cache = removal::open_locked(context, args.no_wait)?.ok_or_else(missing)?;
    match cache.tag(image, &args.reference, replaces)? {
        Tagged::NamesAnother(other) => refuse(format!(
            "{} now points at {other}; run this again",
            Escaped::new(&args.reference)
        )),
        _ => {
            let said = format!("{} points at {image}", Escaped::new(&args.reference));
            say(context, &args.reference, Some(image), &said)
        }
    }
}

/// Removes a reference.
pub fn untag(context: &Context<'_>, args: &Untag) -> Result<Ending, Failure> {
    let cache = removal::open_locked(context, args.no_wait)?;
    let cache = cache.ok_or_else(|| Failure::from(no_cache(context, &args.reference)))?;
    let reference = Escaped::new(&args.reference).to_string();
    if cache.untag(&args.reference)? {
        say(context, &args.reference, None, &format!("Removed the reference {reference}"))
    } else {
        let (dir, list) = (context.shown_dir(), context.command("list"));
        Err(Failure::NoImage(format!("no reference {reference} in {dir}; `{list}` shows them")))
    }
}

/// The other image that the reference points at, if there is one.
fn other_image<'a>(
    inventory: &'a Inventory,
    reference: &str,
    image: &Digest,
) -> Option<&'a Digest> {
    let mut refs = inventory.refs.refs.iter();
    let found = refs.find(|found| found.image.as_deref() == Some(reference))?;
    Some(&found.digest).filter(|named| *named != image)
}

fn ask(context: &Context<'_>, reference: &str, other: &Digest) -> Result<bool, Failure> {
    let reference = Escaped::new(reference);
    if !context.console.can_ask() {
        return refuse(format!("{reference} points at {other}; pass --yes to replace it"));
    }
    removal::confirm(context, format!("{reference} points at {other}. Replace it?"))
}

fn say(
    context: &Context<'_>,
    reference: &str,
    digest: Option<&Digest>,
    text: &str,
) -> Result<Ending, Failure> {
    match context.format {
        Format::Table if context.console.quiet => {}
        Format::Table => context.console.line(text)?,
        Format::Json => context.console.write_raw(
            document(&Document {
                cache_dir: lossy(&context.cache_dir),
                reference,
                digest: digest.map(Digest::to_text),
            })
            .as_bytes(),
        )?,
    }
    Ok(Ending::Done)
}
