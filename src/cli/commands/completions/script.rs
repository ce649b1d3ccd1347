//! The completion scripts.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::args::Shell;
use crate::cli::program::Program;
use crate::cli::shell::shell_word;

/// Contains the name of the shell that asks.
pub const VARIABLE: &str = "BBOX_COMPLETE";

/// The script that makes a shell complete `program` by querying it under the name `called`. A plain
/// name is looked up on each query, wherever the program is by then.
pub fn script(shell: Shell, program: Program, called: &OsStr) -> String {
    let text = match shell {
        Shell::Bash => include_str!("scripts/bbox.bash"),
        Shell::Zsh => include_str!("scripts/bbox.zsh"),
        Shell::Fish => include_str!("scripts/bbox.fish"),
    };
    let name = program.name();
    text.replace("FUNCTION", &format!("{}_complete", name.replace('-', "_")))
        .replace("VARIABLE", VARIABLE)
        .replace("NAME", name)
        .replace("PROGRAM", &shell_word(&place(called)))
}

fn place(called: &OsStr) -> String {
    let path = Path::new(called);
    let is_name = path.components().count() == 1;
    let path = std::path::absolute(path).ok().filter(|_| !is_name).unwrap_or(path.to_owned());
    path.to_string_lossy().into_owned()
}
