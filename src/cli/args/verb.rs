//! The verbs.

use clap::Subcommand;

#[cfg(feature = "tui")]
use super::look::Browse;
use super::look::{Df, Diff, List, Show};
use super::other::{Dir, Lease, Tag, Untag};
use super::remove::{Dedupe, Gc, Purge, Rm};

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
