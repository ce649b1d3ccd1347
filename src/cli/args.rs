//! The verbs and their options.

use std::ffi::OsString;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::SignedDuration;

use super::complete::images::{command, images};
use super::values::{
    parse_depth, parse_duration, parse_jobs, parse_number, parse_room, parse_size,
};
use crate::cache::Pattern;
use crate::jobs::Jobs;
use crate::plan::Room;

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

#[derive(Subcommand)]
pub enum Verb {
    /// List the images, with sizes and references
    #[command(visible_alias = "ls")]
    List(List),
    /// Show what fills an image: references, config and largest directories
    Show(Show),
    /// Show the disk space that Brood Box uses, and how much can be freed
    Df(Df),
    /// Show what differs between two images
    Diff(Diff),
    /// Browse the cache full-screen, and remove images
    #[cfg(feature = "tui")]
    Browse(Browse),
    /// Remove unneeded items: orphans, abandoned extractions, dangling references
    #[command(visible_alias = "prune")]
    Gc(Gc),
    /// Remove images by name, with their references
    Rm(Rm),
    /// Point a reference at an image
    Tag(Tag),
    /// Remove a reference, keep its image
    Untag(Untag),
    /// Remove the whole cache directory
    Purge(Purge),
    /// Protect an image from gc while a command runs
    Lease(Lease),
    /// Print the path of the cache directory or of an image
    Dir(Dir),
    /// Make equal files share their data: frees space, removes nothing (btrfs, XFS)
    Dedupe(Dedupe),
}

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
    /// Remove every orphan, even one that nothing newer has replaced. Orphans that are recent, leased
    /// or in use are kept
    #[arg(short, long)]
    pub all: bool,
    /// Also remove images that were last used longer ago than this, such as 3d, referenced or not. 6m
    /// is six minutes
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub unused_for: Option<SignedDuration>,
    /// Remove more until the cache occupies at most this, such as 20GiB or 20GB: unreferenced layers,
    /// then other layers, then images by last use. Data that files share counts once
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
    /// If the file system cannot rename an image (as on a full btrfs), remove it in place. Brood Box
    /// must not start meanwhile: it could use half an image
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
    /// If the file system cannot rename an image (as on a full btrfs), remove it in place. Brood Box
    /// must not start meanwhile: it could use half an image
    #[arg(long)]
    pub in_place: bool,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache tag 0123456789ab ghcr.io/a/b:latest   give an orphan a reference

Brood Box finds the image by this reference at its next start. The 7 idle days
after which it may remove the image are counted from now. With its default
policy it asks the registry in the background, and may drop the reference again
if the registry has another image.")]
pub struct Tag {
    /// The image: a reference or its end, a digest or its beginning, or a path into the cache
    #[arg(value_name = "IMAGE", add = images())]
    pub image: String,
    /// The reference, exactly as configured in Brood Box
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Don't ask before moving a reference from another image
    #[arg(short, long)]
    pub yes: bool,
    /// Fail instead of waiting for another gc to finish
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache untag ghcr.io/a/b:latest   the image is kept, possibly as an orphan")]
pub struct Untag {
    /// The whole reference
    #[arg(value_name = "REFERENCE", add = images())]
    pub reference: String,
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
  bbox cache lease b -- make test
  bbox cache lease 0123456789ab -- sh -c 'tar -cf a.tar -C \"$BBOX_IMAGE_DIR\" .'

The lease ends with the command. It also ends if this program is killed; the
command then runs on unprotected. The exit code is the command's own; 125 if
there is no such image or no lease, 126 or 127 if the command cannot be run.

The command finds the image's path in $BBOX_IMAGE_DIR, and its full digest in
$BBOX_IMAGE_DIGEST.")]
pub struct Lease {
    /// The image: a reference or its end, a digest or its beginning, or a path into the cache
    #[arg(value_name = "IMAGE", add = images())]
    pub image: String,
    /// The command to run, with its arguments
    #[arg(last = true, required = true, value_name = "CMD", add = command())]
    pub command: Vec<OsString>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache dir                    where the cache is, or will be
  cd \"$(bbox cache dir)\"           go there
  ls \"$(bbox cache dir a/b)/usr\"   list files; `lease` protects them from gc")]
pub struct Dir {
    /// The image: a name as for `show` [default: the cache directory itself]
    #[arg(value_name = "IMAGE", add = images())]
    pub image: Option<String>,
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

#[derive(Args)]
#[command(after_help = "\
Examples:
  eval \"$(bbox completions bash)\"     in ~/.bashrc
  eval \"$(bbox completions zsh)\"      in ~/.zshrc, after compinit
  bbox completions fish | source      in ~/.config/fish/config.fish

TAB then completes commands, options, references and digests, read live from the
cache.")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox man ~/.local/share/man/man1     for yourself
  bbox man /usr/local/share/man/man1   for all users of this machine

One set of pages serves both programs, bbox and bbox-cache: the page on gc is
bbox-cache-gc(1). Existing pages with these names are replaced.")]
pub struct Man {
    /// Where to write the pages; the directory must exist
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}
