//! What every command needs: the cache directory, the console, the threads.

use std::ffi::OsString;
use std::path::PathBuf;

use anstream::ColorChoice;
use clap::ValueEnum;

use super::args::{Color, Format, Shared};
use super::failure::{Failure, refuse};
use super::process::Signals;
use super::program::Program;
use super::shell::{directory_from_environment, shell_word};
use super::ui::console::Console;
use crate::cache::{Cache, LockedCache, Patience, UsingProcess, VmClones, default_directory};
use crate::error::Context as _;
use crate::escape::Escaped;
use crate::jobs::Jobs;
use crate::usage::Meter;

pub struct Context<'a> {
    pub console: &'a Console,
    pub signals: &'a Signals,
    program: Program,
    /// The cache directory, as an absolute path.
    pub cache_dir: PathBuf,
    /// Whether the user chose that directory.
    pub is_given: bool,
    /// The option that sets it, to repeat in commands; empty if it was not given as an option.
    option: String,
    /// Where the clones of microVMs are, if not in the usual place.
    vm_dir: Option<PathBuf>,
    pub format: Format,
    pub jobs: Jobs,
}

pub fn console(shared: &Shared) -> Console {
    let progress = !shared.no_progress;
    Console {
        progress,
        quiet: shared.quiet,
        verbose: shared.verbose,
        ..Console::plain(choice(shared.color))
    }
}

fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// The colour choice of a command line, even if the line cannot be parsed.
pub fn color_of(command_line: &[OsString]) -> ColorChoice {
    let words = command_line.iter().filter_map(|word| word.to_str());
    let words: Vec<_> = words.take_while(|word| *word != "--").collect();
    let joined = words.iter().filter_map(|word| word.strip_prefix("--color="));
    let apart = words.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]);
    let asked = joined.chain(apart).last();
    choice(asked.and_then(|asked| Color::from_str(asked, false).ok()).unwrap_or_default())
}

impl<'a> Context<'a> {
    pub fn new(
        program: Program,
        shared: Shared,
        console: &'a Console,
        signals: &'a Signals,
    ) -> Result<Self, Failure> {
        if shared.quiet && shared.verbose {
            return refuse("--quiet cannot be used with --verbose");
        }
        let format = shared.format();
        let option = shared.cache_dir.as_ref().map(|directory| {
            format!(" --cache-dir {}", shell_word(&Escaped::new(directory).to_string()))
        });
        let given = shared.cache_dir.or_else(directory_from_environment);
        let is_given = given.is_some();
        let Some(directory) = given.or_else(default_directory) else {
            return refuse("no home directory, so no default cache directory; use --cache-dir");
        };
        let cache_dir = std::path::absolute(&directory).context("find", &directory)?;
        let jobs = shared.jobs.unwrap_or_default();
        let option = option.unwrap_or_default();
        let vm_dir = shared.vm_dir;
        Ok(Self { console, signals, program, cache_dir, is_given, option, vm_dir, format, jobs })
    }

    /// The command line for `verb` on the same cache.
    pub fn command(&self, verb: &str) -> String {
        format!("{}{} {verb}", self.program.cache_words(), self.option)
    }

    /// The message for a cache directory that is empty or missing.
    pub fn shown_emptiness(&self) -> String {
        let dir = self.shown_dir();
        if self.is_missing() {
            format!(
                "No image cache at {dir} yet: Brood Box creates it at its first pull. To use another directory, pass --cache-dir."
            )
        } else {
            format!("The image cache at {dir} is empty.")
        }
    }

    /// Whether the cache directory is missing.
    pub fn is_missing(&self) -> bool {
        let metadata = self.cache_dir.metadata();
        metadata.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    /// The cache directory, safe to print.
    pub fn shown_dir(&self) -> String {
        Escaped::new(&self.cache_dir).to_string()
    }

    /// Opens the cache; `None` if the directory does not exist.
    pub fn open_cache(&self) -> crate::Result<Option<Cache>> {
        let cache = Cache::open(&self.cache_dir)?;
        Ok(cache.map(|cache| match &self.vm_dir {
            Some(vms) => cache.with_vm_clones(VmClones::below(vms)),
            None => cache,
        }))
    }

    /// Opens and locks the cache; see [`Cache::open_locked`].
    pub fn open_locked(
        &self,
        busy: impl Fn(Option<&UsingProcess>) -> Patience,
    ) -> crate::Result<Option<LockedCache>> {
        let cache = Cache::open_locked(&self.cache_dir, &self.signals.stop(), busy)?;
        Ok(cache.map(|cache| match &self.vm_dir {
            Some(vms) => cache.with_vm_clones(VmClones::below(vms)),
            None => cache,
        }))
    }

    /// Where the folders of microVMs are; `None` if there is no home directory.
    pub fn vm_dir(&self) -> Option<PathBuf> {
        let of_user = || VmClones::of_user().map(|vms| vms.path().to_path_buf());
        self.vm_dir.clone().or_else(of_user)
    }

    pub fn meter(&self) -> Meter {
        Meter::new(self.jobs)
    }
}
