//! The program `bbox`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bbox_cache::cli::run(std::env::args_os())
}
