//! A cache directory that the user has named has to be one: a slip of the keyboard should not look like an
//! empty cache, nor have a whole home directory walked. The usual directory may not be there yet.

use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use crate::cache::{Cache, Inventory};
use crate::escape::Escaped;

/// The cache; `None` if there is none in the usual place.
///
/// # Errors
/// The user has named a directory that does not exist, or it cannot be opened.
pub fn open(context: &Context<'_>) -> Result<Option<Cache>, Failure> {
    let cache = context.open_cache()?;
    if cache.is_none() && context.is_given {
        return fail(context, format!("there is no directory {}", context.shown_dir()));
    }
    Ok(cache)
}

/// Fails if the user has named a directory in which nothing is of a cache, though there is something.
pub fn check_content(context: &Context<'_>, inventory: &Inventory) -> Result<(), Failure> {
    let is_other = inventory.refs.is_empty() && !inventory.looks_like_a_cache();
    match context.is_given && is_other {
        true => {
            fail(context, format!("nothing in {} looks like an image cache", context.shown_dir()))
        }
        false => Ok(()),
    }
}

fn fail<T>(context: &Context<'_>, reason: String) -> Result<T, Failure> {
    let path = context.cache_dir.clone();
    let hint = cache_below(&path).map(|found| format!("did you mean {}?", Escaped::new(&found)));
    Err(Failure::NoCache { path, reason, hint })
}

/// Where Brood Box has its cache below a directory that is taken for it.
fn cache_below(directory: &Path) -> Option<std::path::PathBuf> {
    let places = ["images", "broodbox/images"].map(|below| directory.join(below));
    places.into_iter().find(|place| {
        let inventory = Cache::open(place).ok().flatten().and_then(|cache| cache.inventory().ok());
        inventory.is_some_and(|inventory| inventory.looks_like_a_cache())
    })
}
