//! The other `bbox`: Brood Box's agent runner has the same name.
//!
//! If this program comes first on `PATH`, it would break the runner. So a command line that is not
//! for this program is handed over to the next `bbox` on `PATH`. That program replaces this
//! process, so arguments, exit code, signals and terminal are its own. A word that is nearly one of
//! ours is treated as a typo and starts nothing.
//!
//! The next `bbox` may be another copy of this program, which hands over in turn. An environment
//! variable tells it where on `PATH` to continue, so two copies never call each other for ever. The
//! variable includes the process ID, which survives `exec`, so it has no effect in other processes.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

use super::failure::Failure;
use super::program::{Program, is_slip_of};
use crate::error::cause;
use crate::escape::Escaped;

/// How far on `PATH` the process with this ID has come: `1234:5`.
const NOTE: &str = "BBOX_CACHE_HANDED_OVER";
/// The exit code that shells use for a program that cannot be run.
const NOT_EXECUTABLE: u8 = 126;

/// Hands a command line that is not for this program over to the next `bbox` on `PATH`. Returns if
/// the line is for this program, or if there is no other one.
///
/// # Errors
/// Fails if the other program cannot be run.
pub fn hand_over(command_line: &[OsString]) -> Result<(), Failure> {
    let [_, arguments @ ..] = command_line else { return Ok(()) };
    if !arguments.first().is_some_and(|word| is_for_another(word)) {
        return Ok(());
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = std::env::split_paths(&search).collect();
    let own = std::env::current_exe().ok();
    let start = std::env::var(NOTE).ok().and_then(|note| place_to_go_on(&note)).unwrap_or(0);
    let Some((place, program)) = next(&places, start, own.as_deref()) else { return Ok(()) };
    let note = format!("{}:{}", std::process::id(), place + 1);
    let error = Command::new(&program).args(arguments).env(NOTE, note).exec();
    let reason = format!("cannot run {}: {}", Escaped::new(&program), cause(&error));
    Err(Failure::NotRun { code: NOT_EXECUTABLE, reason })
}

/// Whether the first word of a command line is neither one of ours nor a typo of one.
fn is_for_another(word: &OsStr) -> bool {
    let Some(word) = word.to_str() else { return true };
    !word.is_empty() && !Program::Bbox.knows(word) && !is_slip_of(Program::Bbox, word)
}

/// Where on `PATH` a note tells this process to continue.
fn place_to_go_on(note: &str) -> Option<usize> {
    let (process, place) = note.split_once(':')?;
    let is_for_us = process.parse() == Ok(std::process::id());
    place.parse().ok().filter(|_| is_for_us)
}

/// The first `bbox` in `places`, from index `start` on, that is not the file `own`, and its index.
fn next(places: &[PathBuf], start: usize, own: Option<&Path>) -> Option<(usize, PathBuf)> {
    let own = own.and_then(identity);
    let candidates = places.iter().enumerate().skip(start);
    // A relative path means something else in each directory.
    let candidates = candidates.filter(|(_, place)| place.is_absolute());
    let mut programs = candidates.map(|(place, path)| (place, path.join("bbox")));
    programs.find(|(_, program)| {
        let found = identity(program);
        found.is_some() && found != own && access(program, Access::EXEC_OK).is_ok()
    })
}

/// Identifies a file, whatever path leads to it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_unlike_ours_are_for_the_other_program() {
        for (word, expected) in [
            ("claude-code", true),
            ("codex", true),
            ("gemini", true),
            ("hermes", true),
            ("opencode", true),
            ("list", true),
            ("--pull=always", true),
            ("cache", false),
            ("cahce", false),
            ("Cache", false),
            ("caches", false),
            ("help", false),
            ("--help", false),
            ("-h", false),
            ("-V", false),
            ("--version", false),
            ("man", false),
            ("mna", false),
            ("completion", false),
            ("", false),
        ] {
            assert_eq!(is_for_another(OsStr::new(word)), expected, "{word}");
        }
    }

    #[test]
    fn a_note_is_for_one_process_only() {
        let own = std::process::id();
        assert_eq!(place_to_go_on(&format!("{own}:3")), Some(3));
        for note in [format!("{}:3", own + 1), format!("{own}:"), "3".to_owned(), String::new()] {
            assert_eq!(place_to_go_on(&note), None, "{note}");
        }
    }
}
