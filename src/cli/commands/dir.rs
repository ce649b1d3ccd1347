//! `bbox cache dir`: prints the cache directory, whether it is there or not.

use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::ui::json::{document, lossy};

#[derive(Serialize)]
struct Document {
    cache_dir: String,
}

pub fn run(context: &Context<'_>) -> Result<Ending, Failure> {
    match context.format {
        Format::Json => {
            let cache_dir = lossy(&context.cache_dir);
            context.console.write(document(&Document { cache_dir }))?;
        }
        // The very bytes, so that a shell can go there.
        Format::Table => {
            let path = context.cache_dir.as_os_str().as_bytes();
            context.console.write_raw(&[path, b"\n"].concat())?;
        }
    }
    Ok(Ending::Done)
}
