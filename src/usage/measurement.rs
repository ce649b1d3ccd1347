//! The result of a measurement: an account per tree, and sums that count nothing twice.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytesize::ByteSize;
use jiff::Timestamp;

use super::amounts::Usage;
use super::breakdown::Breakdown;
use super::estimate::Estimate;
use super::links::{Links, Overlap};
use super::sharing::{Holder, Role, Shared};
use super::size::{Size, sum};
use crate::cache::{Location, OutsideTree};
use crate::error::{Error, Problems};
use crate::fs::Holding;

/// The account of one tree.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub usage: Usage,
    /// When anything in it was last changed. `None` if it is empty.
    pub newest: Option<Timestamp>,
    pub links: Links,
    /// The shared and unsure bytes of its files, except for files with several names.
    pub holding: Holding,
    /// Whether its files may share data that was not inspected.
    pub may_share: bool,
    pub breakdown: Option<Breakdown>,
    pub problems: Problems,
}

/// The sizes of several trees. The default is no trees.
///
/// A location that was not measured has no size. In a sum it counts as something unreadable, so the
/// sum is a lower bound.
#[derive(Debug, Default)]
pub struct Measurement {
    /// The trees in their original order, which gives them their numbers.
    locations: Vec<Location>,
    numbers: HashMap<Location, usize>,
    /// The numbers of trees outside of the cache, which follow those of the locations.
    outside: HashMap<PathBuf, usize>,
    accounts: Vec<Account>,
    shared: Shared,
    uniques: OnceLock<Vec<Estimate>>,
}

/// Bytes on disk of some trees that do not belong to them alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedBytes {
    /// Bytes counted more than once in the sum of the trees' own sizes.
    pub again: ByteSize,
    /// Bytes shared with something outside the trees.
    pub with_rest: ByteSize,
}

impl AddAssign for SharedBytes {
    fn add_assign(&mut self, other: Self) {
        self.again = sum(self.again, other.again);
        self.with_rest = sum(self.with_rest, other.with_rest);
    }
}

/// Identifies a measured tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeId<'a> {
    /// An entry of the cache.
    Entry(&'a Location),
    /// A tree outside of the cache, by its path.
    Outside(&'a Path),
}

impl<'a> From<&'a Location> for TreeId<'a> {
    fn from(location: &'a Location) -> Self {
        Self::Entry(location)
    }
}

impl<'a> From<&'a OutsideTree> for TreeId<'a> {
    fn from(tree: &'a OutsideTree) -> Self {
        Self::Outside(tree.path())
    }
}

/// Several trees, and the inodes whose names are spread over them.
struct Together {
    is_in: Vec<bool>,
    total: Usage,
    overlap: Overlap,
    /// Hard-linked inodes with a name in these trees, by number → whether all their names are here.
    spread: HashMap<usize, bool>,
}

impl Measurement {
    /// Each location must occur only once.
    pub(super) fn new(
        trees: impl Iterator<Item = (Location, Account)>,
        mut shared: Shared,
    ) -> Self {
        let (locations, accounts): (Vec<_>, Vec<_>) = trees.unzip();
        let numbers = locations.iter().cloned().zip(0..).collect();
        spread_inodes(&accounts, &mut shared);
        let (outside, uniques) = (HashMap::new(), OnceLock::new());
        Self { locations, numbers, outside, accounts, shared, uniques }
    }

    /// Adds trees outside of the cache, which were numbered from [`Measurement::len`] on.
    pub(super) fn add_outside(&mut self, trees: impl Iterator<Item = (PathBuf, Account)>) {
        let (paths, accounts): (Vec<_>, Vec<_>) = trees.unzip();
        self.outside.extend(paths.into_iter().zip(self.accounts.len()..));
        spread_inodes(&accounts, self.shared_mut());
        self.accounts.extend(accounts);
    }

    /// The index of shared data, for adding to it.
    pub(super) fn shared_mut(&mut self) -> &mut Shared {
        self.uniques.take();
        &mut self.shared
    }

    /// Whether some data seems to be held by these trees alone, without proof.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.credit(&self.together(&self.locations)) > 0
    }

    /// Number of measured trees.
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    /// The first errors of each tree.
    pub(crate) fn into_problems(self) -> impl Iterator<Item = Error> {
        self.accounts.into_iter().flat_map(|account| account.problems.into_first())
    }

    /// The measured locations in their original order.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The size of one tree. An inode counts once. Data shared by several inodes counts for each of
    /// them, like in `du`. `None` for a tree that was not measured.
    pub fn usage<'t>(&self, tree: impl Into<TreeId<'t>>) -> Option<Usage> {
        Some(self.account(tree.into())?.usage)
    }

    /// When anything in a tree was last changed: a name, contents or a mode. This is the status
    /// change time, which no program can set. `None` if part of the tree could not be read, or if
    /// it is empty.
    pub fn newest_change<'t>(&self, tree: impl Into<TreeId<'t>>) -> Option<Timestamp> {
        let account = self.account(tree.into())?;
        account.newest.filter(|_| account.usage.is_complete())
    }

    /// The breakdown of one tree, if the meter was told to [keep it](super::Meter::with_breakdown).
    pub fn breakdown(&self, location: &Location) -> Option<&Breakdown> {
        self.account(location.into())?.breakdown.as_ref()
    }

    /// Errors in one tree. `None` for a tree that was not measured.
    pub fn problems<'t>(&self, tree: impl Into<TreeId<'t>>) -> Option<&Problems> {
        Some(&self.account(tree.into())?.problems)
    }

    /// Errors, by tree.
    pub fn all_problems(&self) -> impl Iterator<Item = (&Location, &Problems)> {
        self.locations.iter().zip(self.accounts.iter().map(|account| &account.problems))
    }

    /// The size of several trees together. An inode counts once in all of them, and so does an
    /// extent if the meter has [read extents](super::Meter::with_extents).
    pub fn total<'t, T: Into<TreeId<'t>>>(&self, trees: impl IntoIterator<Item = T>) -> Usage {
        let together = self.together(trees);
        let mut total = together.total;
        total.on_disk = less(total.on_disk, self.again(&together));
        total
    }

    /// Whether sums may count data several times: files can share it, but either the meter was not
    /// told to [read extents](super::Meter::with_extents), or the file system does not report
    /// sharing.
    pub fn may_share_unseen(&self) -> bool {
        self.accounts.iter().any(|account| account.may_share && account.usage.on_disk.as_u64() > 0)
    }

    /// Bytes on disk that removing these trees together frees. An inode with a name elsewhere
    /// stays, and so does data shared with other files. If files can share data and the meter has
    /// not read extents, the lower bound is 0.
    pub fn reclaimable<'t, T: Into<TreeId<'t>>>(
        &self,
        trees: impl IntoIterator<Item = T>,
    ) -> Estimate {
        let together = self.together(trees);
        let holding = self.holding(&together);
        let going = together.total.on_disk - together.overlap.held_elsewhere;
        let going = Size::new(going, together.total.is_complete());
        estimate(going, holding, self.credit(&together))
    }

    /// Bytes on disk that removing `more` frees in addition to `part`: never more than `more`
    /// occupies.
    pub fn reclaimable_besides(&self, part: &[&Location], more: &[&Location]) -> Estimate {
        let whole = self.reclaimable(part.iter().chain(more).copied());
        let besides = whole.beyond(self.reclaimable(part.iter().copied()));
        let occupied = self.total(more.iter().copied()).on_disk();
        let [certain, at_most] = [besides.certain(), besides.at_most().at_least()]
            .map(|bytes| bytes.min(occupied.at_least()));
        Estimate::new(certain, Size::new(at_most, occupied.is_complete()))
    }

    /// Bytes on disk of these trees that are counted more than once in the sum of their own sizes,
    /// and bytes that would stay after removing the trees because something else shares them.
    pub fn shared<'l>(&self, locations: impl IntoIterator<Item = &'l Location>) -> SharedBytes {
        let together = self.together(locations);
        let each: Usage = self.among(&together.is_in).map(|account| account.usage).sum();
        let again = self.again(&together);
        let total = less(together.total.on_disk, again);
        let stays = self.holding(&together).shared.saturating_sub(self.credit(&together) + again);
        let stays = sum(together.overlap.held_elsewhere, ByteSize::b(stays));
        SharedBytes { again: less(each.on_disk, total.as_u64()), with_rest: stays.min(total) }
    }

    /// The holding of these trees, including inodes with several names that would be removed with
    /// them.
    fn holding(&self, together: &Together) -> Holding {
        let goes = |number| self.role(together, Holder::from_inode(number)) == Role::Goes(0);
        let mut sum = self.shared.inodes.holding(goes);
        self.among(&together.is_in).for_each(|account| sum += account.holding);
        sum
    }

    /// Bytes that more than one of these trees has.
    fn again(&self, together: &Together) -> u64 {
        self.shared.extents.overlaps(1, |holder| self.role(together, holder)).again
    }

    /// Bytes of shared data without a known holder outside these trees.
    fn credit(&self, together: &Together) -> u64 {
        let overlaps =
            self.shared.extents.overlaps(1, |holder| match self.role(together, holder) {
                Role::Absent => Role::Stays,
                role => role,
            });
        overlaps.credits[0]
    }

    /// Bytes on disk that removing this tree alone frees. `None` for a tree that was not measured.
    /// The first call takes one pass over all shared data, for all trees.
    pub fn unique<'t>(&self, tree: impl Into<TreeId<'t>>) -> Option<Estimate> {
        let number = self.number(tree.into())?;
        Some(self.uniques.get_or_init(|| self.find_uniques())[number])
    }

    fn find_uniques(&self) -> Vec<Estimate> {
        let trees = self.accounts.len();
        let overlaps = self.shared.extents.overlaps(trees, |holder| {
            // Trees from `trees` on were only inspected.
            let home = self.home(holder).filter(|tree| *tree < trees);
            home.map_or(Role::Stays, |tree| Role::Goes(tree as u32))
        });
        let mut holdings: Vec<_> = self.accounts.iter().map(|account| account.holding).collect();
        for (tree, holding) in self.shared.inodes.at_home().filter(|(tree, _)| *tree < trees) {
            holdings[tree] += holding;
        }
        let found = self.accounts.iter().zip(holdings).zip(overlaps.credits);
        found
            .map(|((account, holding), credit)| {
                let going = less(account.usage.on_disk, account.links.spread_bytes());
                let going = Size::new(going, account.usage.is_complete());
                estimate(going, holding, credit)
            })
            .collect()
    }

    fn number(&self, tree: TreeId<'_>) -> Option<usize> {
        match tree {
            TreeId::Entry(location) => self.numbers.get(location).copied(),
            TreeId::Outside(path) => self.outside.get(path).copied(),
        }
    }

    fn account(&self, tree: TreeId<'_>) -> Option<&Account> {
        self.number(tree).map(|number| &self.accounts[number])
    }

    fn together<'t, T: Into<TreeId<'t>>>(&self, trees: impl IntoIterator<Item = T>) -> Together {
        let (mut is_in, mut unmeasured) = (vec![false; self.accounts.len()], 0);
        for tree in trees {
            match self.number(tree.into()) {
                Some(number) => is_in[number] = true,
                None => unmeasured += 1,
            }
        }
        let mut total: Usage = self.among(&is_in).map(|account| account.usage).sum();
        total.unreadable += unmeasured;
        let mut spread = HashMap::new();
        let links = self.among(&is_in).map(|account| &account.links);
        let overlap = Overlap::new(links, |inode, is_whole| {
            spread.extend(self.shared.inodes.number(inode).map(|number| (number, is_whole)));
        });
        total.leave_out(overlap.apparent, overlap.on_disk);
        Together { is_in, total, overlap, spread }
    }

    fn among<'s>(&'s self, is_in: &'s [bool]) -> impl Iterator<Item = &'s Account> {
        self.accounts.iter().zip(is_in).filter(|(_, is_in)| **is_in).map(|(account, _)| account)
    }

    /// The tree that contains all of a holder, if any.
    fn home(&self, holder: Holder) -> Option<usize> {
        holder.tree_or_inode().map_or_else(|inode| self.shared.inodes.home(inode), Some)
    }

    /// The role of a holder with respect to some trees. An inode stays unless all its names are in
    /// them.
    fn role(&self, together: &Together, holder: Holder) -> Role {
        let spread = holder.tree_or_inode().err().and_then(|inode| together.spread.get(&inode));
        match (spread, self.home(holder).and_then(|tree| together.is_in.get(tree))) {
            (Some(true), _) | (None, Some(true)) => Role::Goes(0),
            (Some(false), _) => Role::Stays,
            (None, _) => Role::Absent,
        }
    }
}

/// Records the inodes that have names elsewhere.
fn spread_inodes(accounts: &[Account], shared: &mut Shared) {
    let spread = accounts.iter().flat_map(|account| account.links.spread());
    spread.for_each(|inode| shared.inodes.spread(inode));
}

/// For inodes that occupy this much. Shared data is freed as far as it is credited.
fn estimate(going: Size, holding: Holding, credit: u64) -> Estimate {
    let bytes = going.at_least();
    let certain = less(bytes, holding.shared + holding.unsure + holding.padding);
    let at_most = (certain + ByteSize::b(holding.unsure + credit)).min(bytes);
    Estimate::new(certain, Size::new(at_most, going.is_complete()))
}

/// Sharing may change during the measurement. Saturates at 0 instead of underflowing.
fn less(bytes: ByteSize, without: u64) -> ByteSize {
    ByteSize::b(bytes.as_u64().saturating_sub(without))
}
