//! Finds the image that a command-line argument refers to.

use std::collections::HashSet;
use std::path::{Path, absolute};

use super::context::Context;
use super::failure::Failure;
use crate::cache::{
    Digest, Entry, EntryKind, Folder, Inventory, Lookup, Pattern, Ref, entry_below,
};
use crate::escape::Escaped;

/// The maximum number of candidates listed.
const MOST_CANDIDATES: usize = 10;
/// The maximum number of references suggested for an unknown one.
const MOST_PROPOSALS: usize = 3;
/// The minimum similarity for a suggestion; 1 is identical.
const ALIKE: f64 = 0.75;

/// Why no image was found.
#[derive(Debug)]
pub enum NotFound {
    /// It may be there in a moment: a gc or a pull may be running.
    Yet(String),
    /// There is no such image.
    AtAll(String),
}

impl From<NotFound> for Failure {
    fn from(found: NotFound) -> Self {
        let (NotFound::Yet(reason) | NotFound::AtAll(reason)) = found;
        Self::NoImage(reason)
    }
}

/// Finds the image that `text` refers to: a path into the cache, or anything that
/// [`Inventory::find`] accepts.
///
/// # Errors
/// The reason, safe to print, with suggestions.
pub fn choose<'a>(
    context: &Context<'_>,
    inventory: &'a Inventory,
    text: &str,
) -> Result<(&'a Entry, &'a Digest), NotFound> {
    let (shown, dir) = (Escaped::new(text).to_string(), context.shown_dir());
    let lookup = located(context, text).unwrap_or_else(|| inventory.find(text));
    let digest = match lookup {
        Lookup::One(digest) => digest,
        Lookup::Many(digests) => {
            return Err(NotFound::AtAll(candidates(inventory, &shown, &digests)));
        }
        Lookup::Hidden(digest) => {
            let gc = context.command("gc");
            return Err(NotFound::Yet(format!(
                "an interrupted gc has hidden {digest}; run `{gc}`, which restores it if a reference points at it"
            )));
        }
        Lookup::Dangling(digest) => {
            return Err(NotFound::Yet(format!(
                "'{shown}' points at {digest}, which is not in {dir}; the next pull recreates it"
            )));
        }
        Lookup::Layer(digest) => {
            let list = context.command("list --sizes");
            return Err(NotFound::AtAll(format!(
                "{} is a layer, not an image; `{list}` shows both",
                digest.short()
            )));
        }
        Lookup::None => return Err(NotFound::AtAll(none(context, inventory, text))),
    };
    let found = inventory.images().find(|(_, image)| **image == digest);
    found.ok_or_else(|| gone(context, &digest))
}

/// Finds the images that `texts` refer to. Each text is a pattern for references, or a name as for
/// [`choose`].
///
/// # Errors
/// The reason why one of the texts refers to no image, as for [`choose`].
pub fn choose_all(
    context: &Context<'_>,
    inventory: &Inventory,
    texts: &[String],
) -> Result<HashSet<Digest>, NotFound> {
    let mut chosen = HashSet::new();
    for text in texts {
        if Pattern::is_in(text) {
            let found = matching(context, inventory, text)?;
            chosen.extend(found.into_iter().cloned());
        } else {
            chosen.insert(choose(context, inventory, text)?.1.clone());
        }
    }
    Ok(chosen)
}

fn matching<'a>(
    context: &Context<'_>,
    inventory: &'a Inventory,
    text: &str,
) -> Result<Vec<&'a Digest>, NotFound> {
    let shown = Escaped::new(text);
    let pattern: Pattern = text
        .parse()
        .map_err(|cause| NotFound::AtAll(format!("'{shown}' is not a pattern: {cause}")))?;
    let found: Vec<_> = inventory.matching(&pattern).collect();
    if found.is_empty() {
        let dir = context.shown_dir();
        return Err(NotFound::AtAll(format!("no reference in {dir} matches '{shown}'")));
    }
    Ok(found)
}

/// Finds the image or layer that `text` refers to, as for [`choose`].
///
/// # Errors
/// As for [`choose`].
pub fn choose_entry<'a>(
    context: &Context<'_>,
    inventory: &'a Inventory,
    text: &str,
) -> Result<&'a Entry, NotFound> {
    let lookup = located(context, text).unwrap_or_else(|| inventory.find(text));
    let Lookup::Layer(layer) = lookup else { return Ok(choose(context, inventory, text)?.0) };
    let is_it =
        |entry: &&Entry| matches!(&entry.kind, EntryKind::Layer(digest) if *digest == layer);
    inventory.entries.iter().find(is_it).ok_or_else(|| gone(context, &layer))
}

/// Whether a text is the path of an image or layer in the cache.
pub fn leads_into_cache(context: &Context<'_>, text: &str) -> bool {
    located(context, text).is_some()
}

/// Resolves a path; `None` if the text is not a path into this cache.
fn located(context: &Context<'_>, text: &str) -> Option<Lookup> {
    if !text.starts_with(['/', '.']) {
        return None;
    }
    let path = absolute(text).ok()?;
    let given = &context.cache_dir;
    let real = given.canonicalize().ok();
    let dirs = [Some(given), real.as_ref()].into_iter().flatten();
    let location = dirs.map(Path::new).find_map(|dir| entry_below(dir, &path))?;
    let digest = Digest::of_entry(&location.name)?;
    Some(match location.folder {
        Folder::Layers => Lookup::Layer(digest),
        _ => Lookup::One(digest),
    })
}

/// The message for an image that was there a moment ago.
pub fn gone(context: &Context<'_>, digest: &Digest) -> NotFound {
    NotFound::Yet(format!("{digest} is no longer in {}", context.shown_dir()))
}

/// One line per image that may be meant.
fn candidates(inventory: &Inventory, shown: &str, digests: &[Digest]) -> String {
    let mut text = format!("'{shown}' is ambiguous, it matches {} images:", digests.len());
    for digest in digests.iter().take(MOST_CANDIDATES) {
        text += &format!("\n  {}  {}", digest.short(), name_of(inventory, digest));
    }
    match digests.len().saturating_sub(MOST_CANDIDATES) {
        0 => text,
        more => text + &format!("\n  and {more} more"),
    }
}

fn name_of(inventory: &Inventory, digest: &Digest) -> String {
    let mut refs = inventory.refs.refs.iter().filter(|found| found.digest == *digest);
    refs.next().map_or_else(|| "(orphan)".to_owned(), reference)
}

/// The reference in a ref, safe to print. A ref in the old format has none.
pub fn reference(found: &Ref) -> String {
    match &found.image {
        Some(image) => Escaped::new(image).to_string(),
        None => "(unknown image)".to_owned(),
    }
}

/// The failure to find an image because the cache directory does not exist.
pub fn no_cache(context: &Context<'_>, text: &str) -> NotFound {
    let (image, dir) = (Escaped::new(text), context.shown_dir());
    NotFound::AtAll(format!("no image matches '{image}': {dir} does not exist"))
}

/// Why no image was found, as far as known, with suggestions.
fn none(context: &Context<'_>, inventory: &Inventory, text: &str) -> String {
    let unreadable = inventory.refs.unreadable.iter().map(|found| &found.error);
    if let Some(error) = unreadable.chain(&inventory.problems).next() {
        return error.to_string();
    }
    let (shown, dir) = (Escaped::new(text), context.shown_dir());
    let images = inventory.refs.refs.iter().filter_map(|found| found.image.as_deref());
    let proposals: Vec<_> =
        proposals(images, text).map(|name| Escaped::new(name).to_string()).collect();
    if proposals.is_empty() {
        let list = context.command("list");
        format!("no image in {dir} matches '{shown}'; `{list}` lists the images")
    } else {
        format!("no image in {dir} matches '{shown}'; did you mean {}?", proposals.join(" or "))
    }
}

/// The references that may be meant, most similar first: those that contain the text, and those
/// that are similar to it as a whole or in their last component.
fn proposals<'a>(
    references: impl Iterator<Item = &'a str>,
    typed: &str,
) -> impl Iterator<Item = &'a str> {
    let likeness = |reference: &str| {
        if !typed.is_empty() && reference.contains(typed) {
            return 1.0;
        }
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let bare = name.split([':', '@']).next().unwrap_or(name);
        let likenesses =
            [reference, name, bare].map(|name| strsim::normalized_damerau_levenshtein(name, typed));
        likenesses.into_iter().fold(0.0, f64::max)
    };
    let mut alike: Vec<_> = references.map(|reference| (likeness(reference), reference)).collect();
    alike.retain(|(likeness, _)| *likeness >= ALIKE);
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    alike.into_iter().map(|(_, reference)| reference).take(MOST_PROPOSALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_or_a_part_of_a_reference_leads_to_it() {
        let references = ["ghcr.io/a/codex:latest", "ghcr.io/a/claude-code:latest", "busybox:1"];
        for (typed, expected) in [
            ("claude-code", &["ghcr.io/a/claude-code:latest"][..]),
            ("ghcr.io/a/cluade-code:latest", &["ghcr.io/a/claude-code:latest"]),
            ("ghcr.io/a/codex", &["ghcr.io/a/codex:latest"]),
            ("latest", &["ghcr.io/a/codex:latest", "ghcr.io/a/claude-code:latest"]),
            ("codx", &["ghcr.io/a/codex:latest"]),
            ("claudecode", &["ghcr.io/a/claude-code:latest"]),
            ("debian:12", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = proposals(references.into_iter(), typed).collect();
            assert_eq!(found, expected, "{typed}");
        }
    }
}
