//! The options of verbs that free space.

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use crate::cache::Pattern;
use crate::cli::complete::images::images;
use crate::cli::values::{parse_duration, parse_room, parse_size};
use crate::plan::Room;

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache gc --dry-run          what it would remove and free
  bbox cache gc -v                 also show what is kept, and why
  bbox cache gc --layers           also remove unreferenced layers
  bbox cache gc --keep-recent 7d   keep images used in the last week
  bbox cache gc --unused-for 3d    also remove images unused for three days
  bbox cache gc --max-size 20GiB   also layers and old images, until it fits
  bbox cache gc --min-free 10%     only until 10% of the disk is available
  bbox cache gc -q --no-wait       for a timer: silent, one at a time")]
pub struct Gc {
    /// Only show what would be removed and how much that frees: a range if some data is shared with
    /// files outside the cache
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Keep orphans and layers used more recently than this, such as 36h, 7d or 2w; 0s for none
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10m")]
    pub keep_recent: SignedDuration,
    /// Remove every orphan, even one that nothing newer has replaced. Orphans that are recent,
    /// leased or in use are kept
    #[arg(short, long)]
    pub all: bool,
    /// Also remove images that were last used longer ago than this, such as 3d, referenced or not.
    /// 6m is six minutes
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub unused_for: Option<SignedDuration>,
    /// Remove more until the cache occupies at most this, such as 20GiB or 20GB: unreferenced
    /// layers, then other layers, then images by last use. Data that files share counts once
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<ByteSize>,
    /// Remove more until this much disk space is available, such as 20GiB or 10%: in the order of
    /// --max-size, and no more than necessary
    #[arg(long, value_name = "SIZE|PERCENT", value_parser = parse_room, conflicts_with = "max_size")]
    pub min_free: Option<Room>,
    /// Don't ask before removing referenced images
    #[arg(short, long)]
    pub yes: bool,
    /// Keep images with a matching reference, such as 'ghcr.io/*/agent-*', whatever the limits
    #[arg(long, value_name = "PATTERN", add = images())]
    pub exclude: Vec<Pattern>,
    /// Also remove unreferenced layers (`all`: every layer not in use). The next pull extracts them
    /// again
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1,
        default_missing_value = "unreferenced")]
    pub layers: Option<Layers>,
    /// Remove extractions that no process has open and that have not changed for this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "24h")]
    pub temp_age: SignedDuration,
    /// If the file system cannot rename an image (as on a full btrfs), remove it in place. Brood
    /// Box must not start meanwhile: it could use half an image
    #[arg(long)]
    pub in_place: bool,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache rm b                       asks first: it is referenced
  bbox cache rm -y 0123456789ab fedcb   doesn't ask; two images, by digest
  bbox cache rm 'ghcr.io/a/*'           all that match; asks first
  bbox cache rm -n b                    what it would remove

An image in use is never removed; a leased one only with --force.")]
pub struct Rm {
    /// The images: names as for `show`, or patterns such as 'ghcr.io/*/agent-*'
    #[arg(value_name = "IMAGE|PATTERN", required = true, add = images())]
    pub images: Vec<String>,
    /// Don't ask, and remove leased images too
    #[arg(short, long)]
    pub force: bool,
    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,
    /// Only show what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// If the file system cannot rename an image (as on a full btrfs), remove it in place. Brood
    /// Box must not start meanwhile: it could use half an image
    #[arg(long)]
    pub in_place: bool,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layers {
    Unreferenced,
    All,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache purge             asks first, then removes everything
  bbox cache purge --force     doesn't ask
  bbox cache purge --dry-run   what it would remove

The next pull recreates the directory. Programs that run from the cache lose
their files: the question lists them.")]
pub struct Purge {
    /// Don't ask
    #[arg(short, long, visible_short_alias = 'y')]
    pub force: bool,
    /// Only show what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache dedupe -n                    how much that could free
  bbox cache dedupe                       share everything that is equal
  bbox cache dedupe --min-size 64KiB      skip small files
  bbox cache dedupe 'ghcr.io/a/*'         only these images, with the layers

Equal files at the same path in different images and layers will share their
data. The kernel compares them under its own locks, so microVMs can run
meanwhile. Nothing else changes. It works on btrfs and XFS, even on a full disk.
`du` and SIZE do not change, since each file still has all of its data; UNIQUE
and the free space show the difference. A second run only reads new files.
Defragmenting undoes it.")]
pub struct Dedupe {
    /// Only these images, and all layers: names as for `show`, or patterns
    #[arg(value_name = "IMAGE|PATTERN", add = images())]
    pub images: Vec<String>,
    /// Only show how much it could free, counting files of equal path and size as equal
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Skip files smaller than this, such as 64KiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub min_size: Option<ByteSize>,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}
