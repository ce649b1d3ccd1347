//! `bbox cache dir`: prints the path of the cache directory, even if it does not exist, or of an
//! image.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Serialize;

use crate::cache::Digest;
use crate::cli::args::{Dir, Format};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::find_image::{choose, no_cache};
use crate::cli::named_cache;
use crate::cli::ui::json::{document, lossy};

#[derive(Serialize)]
struct Document {
    cache_dir: String,
    /// Absent unless an image was given.
    #[serde(flatten)]
    image: Option<Image>,
}

#[derive(Serialize)]
struct Image {
    digest: String,
    path: String,
}

pub fn run(context: &Context<'_>, args: &Dir) -> Result<Ending, Failure> {
    let image = args.image.as_deref().map(|image| find(context, image)).transpose()?;
    match context.format {
        Format::Json => {
            let cache_dir = lossy(&context.cache_dir);
            let image =
                image.map(|(digest, path)| Image { digest: digest.to_text(), path: lossy(path) });
            context.console.write_raw(document(&Document { cache_dir, image }).as_bytes())?;
        }
        // The exact bytes, so that a shell can `cd` there.
        Format::Table => {
            let path = image.as_ref().map_or(&context.cache_dir, |(_, path)| path);
            context.console.write_raw(&[path.as_os_str().as_bytes(), b"\n"].concat())?;
        }
    }
    Ok(Ending::Done)
}

fn find(context: &Context<'_>, image: &str) -> Result<(Digest, PathBuf), Failure> {
    let Some(cache) = named_cache::open(context)? else {
        return Err(no_cache(context, image).into());
    };
    let inventory = cache.inventory()?;
    named_cache::check_content(context, &inventory)?;
    let (entry, digest) = choose(context, &inventory, image)?;
    Ok((digest.clone(), entry.location.path_in(cache.path())))
}
