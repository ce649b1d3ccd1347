//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::usage::Jobs;

/// See and collect the image cache of Brood Box
#[derive(Parser)]
#[command(name = "bbox", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// See and collect the image cache
    Cache(CacheArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache list           what is in the cache, and how big it is
  bbox cache gc --dry-run   what a collection would remove
  bbox cache gc             remove the images that no reference names")]
pub struct CacheArguments {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb, taken before or after it.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Shared {
    /// The cache directory [default: broodbox/images in the user's cache home]
    /// [env: BBOX_IMAGE_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// How many threads work, 1 to 1024 [default: 16 to size, 32 to remove]
    #[arg(short, long, global = true, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<Jobs>,
    /// Columns for people, or one JSON document
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// When to use colours; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Draw no progress bars
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Print less; `list` prints digests only, one a line
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more: what is kept, and why
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

fn parse_jobs(text: &str) -> Result<Jobs, String> {
    let jobs = text.parse().ok().and_then(Jobs::new);
    jobs.ok_or_else(|| format!("a number from 1 to {} is expected", Jobs::MAX))
}

#[derive(Subcommand)]
pub enum Verb {
    /// Show the images, their sizes and the references that name them
    #[command(visible_alias = "ls")]
    List(List),
    /// Remove every image that no reference names
    #[command(visible_alias = "prune")]
    Gc(Gc),
    /// Remove the whole cache directory
    Purge(Purge),
    /// Print the cache directory
    Dir,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache list                one row an image
  bbox cache list --sizes        the full account, down to files and layers
  bbox cache list --orphans -q   digests of the images that no reference names
  bbox cache list --format json | jq .totals")]
pub struct List {
    /// The full account: images, layers, leftovers, and what gc would give back
    #[arg(long, conflicts_with = "no_sizes")]
    pub sizes: bool,
    /// At once: walk no tree, show no sizes
    #[arg(long)]
    pub no_sizes: bool,
    /// Most recently used first, largest first, or by reference
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Sort::Used)]
    pub sort: Sort,
    /// Only images that no reference names
    #[arg(long)]
    pub orphans: bool,
    /// Whole digests and all references, however wide
    #[arg(long)]
    pub no_trunc: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Used,
    Size,
    Name,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache gc --dry-run   what would go, and how much that frees
  bbox cache gc -v          also say what is kept, and why
  bbox cache gc -j 8 -q     with 8 threads, without a word")]
pub struct Gc {
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache purge             asks first
  bbox cache purge --force     does not
  bbox cache purge --dry-run   what would go")]
pub struct Purge {
    /// Do not ask
    #[arg(short, long, visible_short_alias = 'y')]
    pub force: bool,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}
