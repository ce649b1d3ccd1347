//! The options of verbs that only look.

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use crate::cli::complete::images::images;
use crate::cli::values::{parse_depth, parse_number, parse_size};

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache list                one row per image
  bbox cache list -l             the full report, down to files and layers
  bbox cache list 'agent-*'      only images whose references match
  bbox cache list --orphans -q   digests of the images without a reference
  bbox cache list --format json | jq .totals")]
pub struct List {
    /// Only these images: names as for `show`, or patterns such as 'ghcr.io/*/agent-*'
    #[arg(value_name = "IMAGE|PATTERN", add = images())]
    pub images: Vec<String>,
    /// Full report: images, layers, leftovers. APPARENT is the length of all files, ON DISK the
    /// blocks they occupy, UNIQUE what removing just this one frees: a range if the file system
    /// does not report it exactly
    #[arg(short = 'l', long, conflicts_with = "no_sizes")]
    pub sizes: bool,
    /// Don't measure sizes (instant)
    #[arg(long)]
    pub no_sizes: bool,
    /// Sort by last use, by size (largest first) or by reference
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Sort::Used)]
    pub sort: Sort,
    /// Reverse the order
    #[arg(short, long)]
    pub reverse: bool,
    /// Only images without a reference
    #[arg(long)]
    pub orphans: bool,
    /// Full digests and all references, however wide
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
  bbox cache show b                       what fills ghcr.io/a/b:latest
  bbox cache show 0123456789ab --top 50   in more detail, by the digest
  bbox cache show 0123456789ab --files    its largest files
  bbox cache show 0123456789ab /usr/lib   what fills a directory in it
  bbox cache show agent-1 agent-2         two images, one after the other")]
pub struct Show {
    /// Images and layers: a reference or its end, a digest or its beginning, or a path into the
    /// cache. A path such as /usr/lib at the end limits the output to that directory of each
    #[arg(value_name = "IMAGE|/PATH", required = true, add = images())]
    pub names: Vec<String>,
    /// Levels of directories to show; 0 for none
    #[arg(long, value_name = "N", value_parser = parse_depth, default_value = "3")]
    pub depth: usize,
    /// Maximum number of directories or files to show
    #[arg(long, value_name = "N", value_parser = parse_number, default_value = "20")]
    pub top: usize,
    /// Show the largest files instead of directories
    #[arg(long, conflicts_with = "depth")]
    pub files: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache diff 0123456789ab ghcr.io/a/b:latest   what a new build brings
  bbox cache diff 0123456789ab                      an orphan and its rebuild
  bbox cache diff 0123 fedc --files --top 50        single files
  bbox cache diff 0123 fedc --content               also compare contents

Sizes are bytes on disk. Names that differ only in digits count as one name
(python3.11 and python3.12). A file of the same name and size elsewhere has
moved: it counts as neither added nor removed.")]
pub struct Diff {
    /// The old image: a reference, or a digest or its beginning
    #[arg(value_name = "OLD", add = images())]
    pub old: String,
    /// The new image [default: the build that replaced the old one, if that is an orphan]
    #[arg(value_name = "NEW", add = images())]
    pub new: Option<String>,
    /// Show directories at most this many levels deep
    #[arg(long, value_name = "N", value_parser = parse_number, default_value = "4")]
    pub depth: usize,
    /// Maximum number of directories or files to show
    #[arg(long, value_name = "N", value_parser = parse_number, default_value = "20")]
    pub top: usize,
    /// Show files instead of directories
    #[arg(long, conflicts_with = "depth")]
    pub files: bool,
    /// Show only what has changed by at least this much, such as 1MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub min_size: Option<ByteSize>,
    /// Read the files of equal size, and compare their contents
    #[arg(long)]
    pub content: bool,
}

#[cfg(feature = "tui")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache browse               press ? for the keys
  bbox cache browse --read-only   nothing can be removed")]
pub struct Browse {
    /// Don't allow marking or removing images
    #[arg(long)]
    pub read_only: bool,
    /// Print one frame after these keys, such as `jj<Enter>`, and remove nothing
    #[arg(long, value_name = "KEYS", hide = true)]
    pub once: Option<String>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache df           a row per type
  bbox cache df -v        a row per item, too
  bbox cache df --json | jq .total.on_disk_bytes

Besides images, layers and leftovers, Brood Box keeps firmware, extracted parts
of its own program (runtime), snapshots of workspaces and a folder per microVM.
ACTIVE counts images that are referenced or in use, layers that an image is made
of, leftovers of running pulls, running microVMs, and anything else in use.
RECLAIMABLE is what the command on its row would free. Snapshots and microVMs
may contain an agent's only work: df says which ones look dead, and no command
of this program removes them.")]
pub struct Df {}
