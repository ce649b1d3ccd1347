//! What every command needs: the cache directory, the console, the threads.

use std::path::PathBuf;

use anstream::ColorChoice;

use super::args::{Color, Format, Shared};
use super::failure::Failure;
use super::ui::console::Console;
use crate::cache::{Cache, default_directory};
use crate::escape::Escaped;
use crate::usage::{Jobs, Meter};

/// How many threads size, unless the user says otherwise: cold, they wait for the disk.
const SIZING_JOBS: usize = 16;
/// How many threads remove: they wait for the journal.
const REMOVING_JOBS: usize = 32;

pub struct Context<'a> {
    pub console: &'a Console,
    /// The cache directory, as an absolute path.
    pub cache_dir: PathBuf,
    /// Whether the user has named that directory.
    pub is_given: bool,
    pub format: Format,
    jobs: Option<Jobs>,
}

pub fn console(shared: &Shared) -> Console {
    let color = match shared.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    Console { color, progress: !shared.no_progress, quiet: shared.quiet, verbose: shared.verbose }
}

impl<'a> Context<'a> {
    pub fn new(shared: Shared, console: &'a Console) -> Result<Self, Failure> {
        let is_given = shared.cache_dir.is_some();
        let directory = shared.cache_dir.or_else(default_directory).ok_or_else(|| {
            Failure::Refused(
                "there is no home directory to look for the cache in; name it with --cache-dir"
                    .to_owned(),
            )
        })?;
        if directory.as_os_str().is_empty() {
            return Err(Failure::Refused("the cache directory has an empty name".to_owned()));
        }
        let cache_dir = std::path::absolute(directory)?;
        Ok(Self { console, cache_dir, is_given, format: shared.format, jobs: shared.jobs })
    }

    /// Opens the cache; `None` if there is none yet.
    pub fn open(&self) -> Result<Option<Cache>, Failure> {
        Ok(Cache::open(&self.cache_dir)?)
    }

    /// The cache directory, safe to print.
    pub fn shown_dir(&self) -> String {
        Escaped::new(&self.cache_dir).to_string()
    }

    pub fn meter(&self) -> Meter {
        Meter::new(self.jobs_or(SIZING_JOBS))
    }

    pub fn removing_jobs(&self) -> Jobs {
        self.jobs_or(REMOVING_JOBS)
    }

    fn jobs_or(&self, default: usize) -> Jobs {
        self.jobs.or(Jobs::new(default)).expect("the defaults are within the limits")
    }
}
