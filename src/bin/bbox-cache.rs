//! The program `bbox-cache`: `bbox cache` as one word, for systems where `bbox` is the agent
//! runner.

use std::process::ExitCode;

use bbox_cache::cli::{Program, run_as};

fn main() -> ExitCode {
    run_as(Program::BboxCache, std::env::args_os())
}
