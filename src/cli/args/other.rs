//! The options of verbs that change references, protect, or set up.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::cli::complete::images::{command, images};

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
