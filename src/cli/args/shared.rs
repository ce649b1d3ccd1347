//! Options of every verb.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::cli::values::parse_jobs;
use crate::jobs::Jobs;

/// Options of every verb, accepted before or after it.
#[derive(Args, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Shared {
    /// The cache directory [default: broodbox/images in the user's cache home] [env:
    /// BBOX_IMAGE_CACHE_DIR]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// The directory of the microVMs [default: ~/.config/broodbox/vms]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub vm_dir: Option<PathBuf>,
    /// Number of worker threads, 1 to 1024; deleting uses fewer if that is as fast [default: 32]
    #[arg(short, long, global = true, hide_short_help = true, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<Jobs>,
    /// Output format
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for --format json
    #[arg(long, global = true, hide_short_help = true)]
    json: bool,
    /// When to use colour (NO_COLOR is honoured)
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Draw no progress bars; BBOX_PROGRESS=never does the same
    #[arg(long, global = true, hide_short_help = true)]
    pub no_progress: bool,
    /// Print less; `list`, `show` and dry runs print digests only, one per line
    #[arg(short, long, global = true, hide_short_help = true)]
    pub quiet: bool,
    /// Print more: what is kept, and why
    #[arg(short, long, global = true, hide_short_help = true)]
    pub verbose: bool,
}

impl Shared {
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}
