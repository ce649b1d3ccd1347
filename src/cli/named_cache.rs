//! Checks that a directory chosen by the user is a cache. A typo should not look like an empty
//! cache, nor cause a walk of a whole home directory. The default directory need not exist yet.

use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use crate::cache::{Cache, Inventory};
use crate::escape::Escaped;

/// Opens the cache; `None` if the default directory does not exist.
///
/// # Errors
/// Fails if the user chose a directory that does not exist, or it cannot be opened.
pub fn open(context: &Context<'_>) -> Result<Option<Cache>, Failure> {
    let cache = context.open_cache()?;
    if cache.is_none() && context.is_given {
        return fail(context, format!("{} does not exist", context.shown_dir()));
    }
    Ok(cache)
}

/// Fails if the user chose a non-empty directory that does not look like a cache.
pub fn check_content(context: &Context<'_>, inventory: &Inventory) -> Result<(), Failure> {
    let is_other = inventory.refs.is_empty() && !inventory.looks_like_a_cache();
    match context.is_given && is_other {
        true => fail(context, format!("{} does not look like an image cache", context.shown_dir())),
        false => Ok(()),
    }
}

fn fail<T>(context: &Context<'_>, reason: String) -> Result<T, Failure> {
    let path = context.cache_dir.clone();
    let hint = cache_below(&path).map(|found| format!("did you mean {}?", Escaped::new(&found)));
    Err(Failure::NoCache { path, reason, hint })
}

/// The path of Brood Box's cache below a directory mistaken for it.
fn cache_below(directory: &Path) -> Option<std::path::PathBuf> {
    let places = ["images", "broodbox/images"].map(|below| directory.join(below));
    places.into_iter().find(|place| {
        let inventory = Cache::open(place).ok().flatten().and_then(|cache| cache.inventory().ok());
        inventory.is_some_and(|inventory| inventory.looks_like_a_cache())
    })
}
