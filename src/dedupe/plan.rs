//! The plan for a deduplication.

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
use crate::gc::Draft;
use crate::jobs::{Jobs, watched};
use crate::stop::StopFlag;

/// Files that could share their data. Keeps their trees open.
#[derive(Debug)]
pub struct Plan {
    pub(super) trees: Vec<Tree>,
    /// Sorted by the space they free, largest first.
    pub(super) groups: Vec<Group>,
    left_out: LeftOut,
    left_out_entries: Vec<LeftOutEntry>,
}

/// The number and size of the files of one image or layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shared {
    /// The number of files.
    pub files: u64,
    /// Bytes freed; files that share their data count once.
    pub bytes: ByteSize,
}

/// Whether the file system of the cache lets equal files share their data.
///
/// # Errors
/// Fails if the system does not tell.
pub fn is_possible(cache: &Cache) -> Result<bool> {
    cache.root().can_share_ranges().context("determine the file system of", cache.path())
}

/// Finds files with the same path and size in images and layers, except those that a collection by
/// `draft` would remove. Calls `watch` about ten times a second.
///
/// # Errors
/// Fails if the threads cannot be started, or the job was stopped. Unreadable entries are [left
/// out](Plan::left_out).
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
    let (min_size, kind) = (options.min_size.as_u64(), cache.volume_kind()?);
    let progress = Progress::default();
    let work = || Survey::new(&trees, min_size, kind, &progress, stop).walk(&pool);
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

    /// An upper bound of what the plan frees: it is not known yet whether the files are equal, and
    /// compressed data takes less space.
    pub fn shared(&self) -> Shared {
        self.by_entry().into_iter().map(|(_, shared)| shared).sum()
    }

    /// An upper bound of what the plan frees, by image or layer.
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

    /// The files that are left out.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The images and layers that are left out.
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
