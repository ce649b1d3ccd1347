//! Writes the pages to a directory.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::page::pages;
use crate::cli::args::Man;
use crate::cli::failure::{Ending, Failure};
use crate::cli::program::Program;
use crate::cli::ui::console::Console;
use crate::cli::ui::units::plural;
use crate::error::{Context, Result};
use crate::escape::Escaped;

pub fn run(program: Program, args: &Man, console: &Console) -> Result<Ending, Failure> {
    let directory = &args.directory;
    fs::read_dir(directory).context("write pages to", directory)?;
    let (mut written, mut replaced) = (0, 0);
    for page in pages(program) {
        let path = directory.join(&page.file);
        replaced += usize::from(make_room(&path)?);
        write(&path, &page.text)?;
        written += 1;
    }
    let older = match replaced {
        0 => String::new(),
        _ => format!(", replacing {}", plural(replaced, "older page")),
    };
    let place = Escaped::new(directory);
    console.note(format_args!("Wrote {} to {place}{older}.", plural(written, "page")));
    Ok(Ending::Done)
}

/// Removes an older page, even if it is a link. Returns whether there was one.
fn make_room(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("replace", path),
    }
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    let file = File::options().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text)).context("write", path)
}
