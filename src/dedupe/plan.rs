//! What is to be shared.

use std::collections::BTreeMap;

use bytesize::ByteSize;

use super::group::{Group, TreeId};
use super::left_out::LeftOut;
use super::options::Options;
use super::progress::Progress;
use super::survey::Survey;
use super::trees::{LeftOutEntry, Tree, open};
use crate::cache::{Cache, Location};
use crate::error::{Context, Error, Result};
use crate::fs::VolumeKind;
use crate::gc::Draft;
use crate::jobs::{Jobs, watched};
use crate::stop::StopFlag;

/// Files up to this size lie within the metadata of a btrfs, unless it was mounted with another limit.
const BTRFS_INLINE: u64 = 2048;

/// Files that could share their data, with the trees in which they lie, which are held open.
#[derive(Debug)]
pub struct Plan {
    pub(super) trees: Vec<Tree>,
    /// Those that give most back first.
    pub(super) groups: Vec<Group>,
    left_out: LeftOut,
    left_out_entries: Vec<LeftOutEntry>,
}

/// What files of one image or layer amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shared {
    /// How many files.
    pub files: u64,
    /// Bytes that come back for them; of files that share their data, once.
    pub bytes: ByteSize,
}

/// Whether equal files can be made to share their data where the cache lies.
///
/// # Errors
/// The system does not tell.
pub fn is_possible(cache: &Cache) -> Result<bool> {
    cache.root().can_share_ranges().context("find the file system of", cache.path())
}

/// Looks for files of equal path and size in images and layers. What a collection by `draft` would remove takes no
/// part. `watch` is called about ten times a second.
///
/// # Errors
/// The threads cannot be started, or the job was stopped. Unreadable entries are [left out](Plan::left_out).
pub fn plan(
    cache: &Cache,
    draft: &Draft,
    options: &Options,
    jobs: Jobs,
    stop: &StopFlag,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Plan> {
    let (trees, left_out_entries) = open(cache, draft, options);
    let pool = jobs.pool_with_files(trees.len() + 1)?;
    let inline = match cache.volume_kind()? {
        Some(VolumeKind::Btrfs) => BTRFS_INLINE,
        _ => 0,
    };
    let progress = Progress::default();
    let sizes = (options.min_size.as_u64(), inline);
    let work = || Survey::new(&trees, sizes, &progress, stop).walk(&pool);
    let found = watched(stop, work, || watch(&progress));
    if stop.is_raised() {
        return Err(Error::Interrupted);
    }
    let (mut groups, left_out) = (found.groups, found.left_out);
    groups.sort_by(|one, other| one.order().cmp(&other.order()));
    Ok(Plan { trees, groups, left_out, left_out_entries })
}

impl Plan {
    /// Whether there is nothing to share.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// What would come back, at most: whether the files are equal is not known yet, and compressed data takes less room.
    pub fn shared(&self) -> Shared {
        self.by_entry().into_iter().map(|(_, shared)| shared).sum()
    }

    /// What would come back at most, by image or layer.
    pub fn by_entry(&self) -> Vec<(&Location, Shared)> {
        let mut sums = Sums::default();
        for destinations in self.groups.iter().map(|group| &group.destinations) {
            destinations.iter().for_each(|found| sums.add_file(found.tree));
            for set in destinations.chunk_by(|one, next| one.set == next.set) {
                sums.add_bytes(set[set.len() - 1].tree, set[0].bytes);
            }
        }
        sums.by_entry(&self.trees)
    }

    /// The files that take no part.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The images and layers that take no part.
    pub fn left_out_entries(&self) -> &[LeftOutEntry] {
        &self.left_out_entries
    }
}

impl std::iter::Sum for Shared {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), |sum, next| Self {
            files: sum.files + next.files,
            bytes: sum.bytes + next.bytes,
        })
    }
}

/// Sums by tree.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<TreeId, Shared>);

impl Sums {
    pub fn add_file(&mut self, tree: TreeId) {
        self.0.entry(tree).or_default().files += 1;
    }

    pub fn add_bytes(&mut self, tree: TreeId, bytes: u64) {
        self.0.entry(tree).or_default().bytes += ByteSize::b(bytes);
    }

    /// In the order of the trees.
    pub fn by_entry<'t>(&self, trees: &'t [Tree]) -> Vec<(&'t Location, Shared)> {
        let entry = |tree: TreeId| trees[tree as usize].entry.as_ref();
        self.0.iter().filter_map(|(tree, sum)| Some((entry(*tree)?, *sum))).collect()
    }
}
