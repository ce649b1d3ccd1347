//! The verbs, and their options.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::complete::images::{command, images};
use crate::cache::Pattern;
use crate::jobs::Jobs;
use crate::plan::Room;

/// Options of every verb, taken before or after it.
#[derive(Args, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Shared {
    /// The cache directory [default: broodbox/images in the user's cache home]
    /// [env: BBOX_IMAGE_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Where the clones of microVMs lie [default: ~/.config/broodbox/vms]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub vm_dir: Option<PathBuf>,
    /// How many threads work, 1 to 1024; deleting takes fewer where that is as fast [default: 32]
    #[arg(short, long, global = true, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<Jobs>,
    /// Columns for people, or one JSON document
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format json
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Draw no progress bars
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Print less; `list` and `show` print digests only, one a line
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more: what is kept, and why
    #[arg(short, long, global = true)]
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

fn parse_jobs(text: &str) -> Result<Jobs, String> {
    let jobs = text.parse().ok().and_then(Jobs::new);
    jobs.ok_or_else(|| format!("a number from 1 to {} is expected", Jobs::MAX))
}

#[derive(Subcommand)]
pub enum Verb {
    /// Show the images, their sizes and the references that name them
    #[command(visible_alias = "ls")]
    List(List),
    /// Show what fills an image: its config and references, and its largest directories
    Show(Show),
    /// Show what differs between two images
    Diff(Diff),
    /// Remove what nothing needs: orphaned images, dead extractions, references to nothing
    #[command(visible_alias = "prune")]
    Gc(Gc),
    /// Remove images by name, with their references
    Rm(Rm),
    /// Point a reference at an image
    Tag(Tag),
    /// Remove a reference and leave its image
    Untag(Untag),
    /// Remove the whole cache directory
    Purge(Purge),
    /// Run a command while an image is kept from being collected
    Lease(Lease),
    /// Print the path of the cache directory, or of an image
    Dir(Dir),
    /// Let equal files share their data: frees space without removing anything (btrfs, XFS)
    Dedupe(Dedupe),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache list                one row an image
  bbox cache list --sizes        the full account, down to files and layers
  bbox cache list 'agent-*'      only the images whose references match
  bbox cache list --orphans -q   digests of the images that no reference names
  bbox cache list --format json | jq .totals")]
pub struct List {
    /// Only these images: references, patterns of them such as 'ghcr.io/*/agent-*', or digests or their
    /// beginnings
    #[arg(value_name = "REF|PATTERN|DIGEST", add = images())]
    pub images: Vec<String>,
    /// The full account: images, layers, leftovers. APPARENT is the length of all files, ON DISK
    /// the blocks they occupy, UNIQUE what removing just this one gives back; two numbers where the
    /// file system does not tell exactly
    #[arg(short = 'l', long, conflicts_with = "no_sizes")]
    pub sizes: bool,
    /// Don't measure sizes (instant)
    #[arg(long)]
    pub no_sizes: bool,
    /// Most recently used first, largest first, or by reference
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Sort::Used)]
    pub sort: Sort,
    /// Reverse the order
    #[arg(short, long)]
    pub reverse: bool,
    /// Only images without a reference
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

/// The most directories or files that may be asked for, and the most levels of them.
const MOST_SHOWN: usize = 10_000;

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache show ghcr.io/a/b:latest      what fills an image
  bbox cache show 0123456789ab --top 50   in more detail, by the digest
  bbox cache show 0123456789ab --files    its largest files
  bbox cache show 0123456789ab /usr/lib   what fills a directory in it")]
pub struct Show {
    /// The image: a reference, or a digest or its beginning
    #[arg(value_name = "REF|DIGEST", add = images())]
    pub image: String,
    /// A directory in the image, such as /usr/lib [default: all of it]
    #[arg(value_name = "PATH", value_parser = parse_inner_path, value_hint = ValueHint::Other)]
    pub path: Option<PathBuf>,
    /// How many levels of directories to show; 0 for none
    #[arg(long, value_name = "N", value_parser = parse_depth, default_value = "3")]
    pub depth: usize,
    /// How many directories to show, or files
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
  bbox cache diff 0123456789ab                      an orphan and what replaced it
  bbox cache diff 0123 fedc --files --top 50        single files
  bbox cache diff 0123 fedc --content               also read files of equal size

Sizes are bytes on disk. Names that differ only in digits are taken for one
name (python3.11 and python3.12). A file of the same name and size elsewhere has
moved: it neither came nor went.")]
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
    /// Show at most this many directories or files
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

/// An absolute path without `..`; returned as it is below the top.
fn parse_inner_path(text: &str) -> Result<PathBuf, String> {
    let below = Path::new(text).strip_prefix("/");
    let below = below.map_err(|_| "a path that begins with / is expected".to_owned())?;
    match below.components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(below.to_owned()),
        false => Err("`..` is not allowed in a path in an image".to_owned()),
    }
}

fn parse_depth(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST_SHOWN);
    number.ok_or_else(|| format!("a number from 0 to {MOST_SHOWN} is expected"))
}

fn parse_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST_SHOWN).contains(number));
    number.ok_or_else(|| format!("a number from 1 to {MOST_SHOWN} is expected"))
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache gc --dry-run          what would go, and how much that frees
  bbox cache gc -v                 also say what is kept, and why
  bbox cache gc --layers           also remove layers that no image is made of
  bbox cache gc --keep-recent 7d   keep what was used within the last week
  bbox cache gc --unused-for 3d    also remove images not used for three days
  bbox cache gc --max-size 20GiB   also layers and old images, until it fits
  bbox cache gc --min-free 10%     no more than it takes to have that much disk
  bbox cache gc -q --no-wait       for a timer: silent, and not twice at a time")]
pub struct Gc {
    /// Only say what would be removed, and what that gives back: two numbers where files share data
    /// with somebody who is not known
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Keep orphans and layers used more recently than this, such as 36h, 7d or 2w; 0s for none
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10m")]
    pub keep_recent: SignedDuration,
    /// Remove every orphan, even if nothing newer has replaced it. Recent, leased and used ones stay
    #[arg(short, long)]
    pub all: bool,
    /// Also remove images that were last used longer ago than that, such as 3d, although references
    /// name them. 6m is six minutes
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub unused_for: Option<SignedDuration>,
    /// Remove more until the cache occupies at most this, such as 20GiB or 20GB: unreferenced layers,
    /// then other layers, then images by last use. Data that files share counts once
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<ByteSize>,
    /// Remove more until this much of the file system is available, such as 20GiB or 10%: in the order of
    /// --max-size, and no more than it takes
    #[arg(long, value_name = "SIZE|PERCENT", value_parser = parse_room, conflicts_with = "max_size")]
    pub min_free: Option<Room>,
    /// Do not ask before an image goes that references name
    #[arg(short, long)]
    pub yes: bool,
    /// Keep images whose reference matches, such as 'ghcr.io/*/agent-*', whatever the limits are
    #[arg(long, value_name = "PATTERN", add = images())]
    pub exclude: Vec<Pattern>,
    /// Also remove the layers that no image left can be made of; or all that are not in use: the next
    /// pull extracts them again
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1,
        default_missing_value = "unreferenced")]
    pub layers: Option<Layers>,
    /// Remove extractions that nobody has open once nothing in them has changed for that long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "24h")]
    pub temp_age: SignedDuration,
    /// Remove without hiding first what the file system does not rename, as on a full btrfs. Brood
    /// Box must not start meanwhile: it could use half an image
    #[arg(long)]
    pub in_place: bool,
    /// Fail instead of waiting for another collection to end
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache rm ghcr.io/a/b:latest      asks, since a reference names it
  bbox cache rm -y 0123456789ab fedcb   does not ask; several, by their digests
  bbox cache rm 'ghcr.io/a/*'           all that match, after asking
  bbox cache rm -n ghcr.io/a/b:latest   what would go

An image that a process uses stays, and so does one that is leased, unless with
--force.")]
pub struct Rm {
    /// The images: references, patterns of them such as 'ghcr.io/*/agent-*', or digests or their
    /// beginnings
    #[arg(value_name = "REF|PATTERN|DIGEST", required = true, add = images())]
    pub images: Vec<String>,
    /// Do not ask, and remove what is leased, too
    #[arg(short, long)]
    pub force: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Remove without hiding first what the file system does not rename, as on a full btrfs. Brood
    /// Box must not start meanwhile: it could use half an image
    #[arg(long)]
    pub in_place: bool,
    /// Fail instead of waiting for a collection to end
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache tag 0123456789ab ghcr.io/a/b:latest   names an orphan again

Brood Box finds the image by this reference at its next start, and counts its
week from now. With its default policy it asks the registry in the background
and may drop the reference again if the registry has another image.")]
pub struct Tag {
    /// The image: a reference, or a digest or its beginning
    #[arg(value_name = "IMAGE", add = images())]
    pub image: String,
    /// The reference, as it is configured in Brood Box
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Replace a reference to another image without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Fail instead of waiting for a collection to end
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache untag ghcr.io/a/b:latest   the image stays, perhaps as an orphan")]
pub struct Untag {
    /// The whole reference
    #[arg(value_name = "REFERENCE", add = images())]
    pub reference: String,
    /// Fail instead of waiting for a collection to end
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
  bbox cache purge             ask first, then remove everything
  bbox cache purge --force     do not ask
  bbox cache purge --dry-run   what would go

The next pull makes the directory anew. What runs from the cache loses its files:
the question names the processes that use something.")]
pub struct Purge {
    /// Do not ask
    #[arg(short, long, visible_short_alias = 'y')]
    pub force: bool,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Fail instead of waiting for another collection to end
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache lease ghcr.io/a/b:latest -- make test
  bbox cache lease 0123456789ab -- sh -c 'tar -cf a.tar -C \"$BBOX_IMAGE_DIR\" .'

The lease ends with the command, and with this program: if that is killed, the
command runs on without. The exit code is that of the command; 125 if the lease
cannot be had, 126 or 127 if the command cannot be run.

The command finds the image's path in $BBOX_IMAGE_DIR, and its whole digest in
$BBOX_IMAGE_DIGEST.")]
pub struct Lease {
    /// The image: a reference, a digest, or the beginning of a digest
    #[arg(value_name = "REF|DIGEST", add = images())]
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
  ls \"$(bbox cache dir a/b)/usr\"   look into an image; `lease` keeps gc from it")]
pub struct Dir {
    /// The image: a reference, or a digest or its beginning [default: the cache directory itself]
    #[arg(value_name = "IMAGE", add = images())]
    pub image: Option<String>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  bbox cache dedupe -n                    how much would come back, at most
  bbox cache dedupe                       share everything that is equal
  bbox cache dedupe --min-size 64KiB      leave small files alone
  bbox cache dedupe 'ghcr.io/a/*'         only these images, with the layers

Files of the same path in different images and layers come to share their data
if they are equal: the kernel compares them under its own locks, also while
microVMs run. Nothing else changes. This works on btrfs and XFS, even if the
disk is full. `du` and SIZE stay as they are, since each file still has all of
its data; UNIQUE and the free space show the difference. A second run only looks
for what is new. Defragmenting undoes it.")]
pub struct Dedupe {
    /// Only these images, and all layers: references, patterns of them such as 'ghcr.io/*/agent-*', or
    /// digests or their beginnings
    #[arg(value_name = "REF|PATTERN|DIGEST", add = images())]
    pub images: Vec<String>,
    /// Only say how much would come back, at most: files of equal path and size count as equal
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Leave smaller files alone, such as 64KiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub min_size: Option<ByteSize>,
    /// Fail instead of waiting for a collection to end
    #[arg(long)]
    pub no_wait: bool,
}

/// A duration as people write it; a day has 24 hours.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.ok_or_else(|| "a duration such as 90m, 36h, 7d or 2w is expected".to_owned())
}

/// A size, or a share of the file system.
fn parse_room(text: &str) -> Result<Room, String> {
    let Some(number) = text.strip_suffix('%') else { return parse_size(text).map(Room::Bytes) };
    let percent = number.trim_end().parse().ok().filter(|percent| (0..=100).contains(percent));
    percent
        .map(Room::Percent)
        .ok_or_else(|| "a whole number of percent is expected, such as 10%".to_owned())
}

/// A size as people write it, with its unit: whoever leaves that out means anything but bytes.
fn parse_size(text: &str) -> Result<ByteSize, String> {
    let expected = || "a size with its unit is expected, such as 20GiB, 1.5GB or 800MiB".to_owned();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let is_number = number.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0);
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !is_number || !is_plain || number.len() == text.len() {
        return Err(expected());
    }
    text.parse().map_err(|_| expected())
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  eval \"$(bbox completions bash)\"     in ~/.bashrc
  eval \"$(bbox completions zsh)\"      in ~/.zshrc, after compinit
  bbox completions fish | source      in ~/.config/fish/config.fish

TAB then completes commands, options and, from the cache as it is at that
moment, references and digests.")]
pub struct Completions {
    /// The shell to print the script for
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
  bbox man /usr/local/share/man/man1   for everybody on this machine

One set of pages serves both programs, bbox and bbox-cache: the one on gc is
bbox-cache-gc(1). Pages of these names that are there already are replaced.")]
pub struct Man {
    /// Where to write them; the directory has to be there
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, hours) in
            [("36h", 36), ("7d", 7 * 24), ("2w", 14 * 24), ("1d 12h", 36), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in ["", "7", "-1h", "1 fortnight", "1mo", "1y", "d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn room_is_a_size_or_a_share() {
        for (text, room) in [
            ("10%", Room::Percent(10)),
            ("100 %", Room::Percent(100)),
            ("20GiB", Room::Bytes(ByteSize::gib(20))),
        ] {
            assert_eq!(parse_room(text), Ok(room), "{text}");
        }
        for text in ["%", "101%", "-1%", "1.5%", "20", "10%%"] {
            assert!(parse_room(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them_and_need_a_unit() {
        for (text, bytes) in [
            ("20GiB", 20 << 30),
            ("20G", 20_000_000_000),
            ("20 GB", 20_000_000_000),
            ("1.5GiB", 3 << 29),
            ("800m", 800_000_000),
            ("64KiB", 65_536),
            ("512B", 512),
            ("0B", 0),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(ByteSize::b(bytes)), "{text}");
        }
        for text in
            ["", "20", "GiB", "-1GiB", "1e3G", "infGiB", "nanG", "20 parsecs", "1..5G", "+1G"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
