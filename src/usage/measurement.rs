//! What came of a measurement: an account for each tree, and sums that count nothing twice.

use std::collections::HashMap;
use std::sync::OnceLock;

use bytesize::ByteSize;
use jiff::Timestamp;

use super::links::{Links, Overlap};
use super::sharing::{Class, Estimate, Holder, Shared, Who};
use super::{Breakdown, Problems, Usage};
use crate::fs::Holding;

/// The account of one tree.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub usage: Usage,
    /// When anything in it was changed last, if there is anything.
    pub newest: Option<Timestamp>,
    pub links: Links,
    /// What its files hold, but for those with several names.
    pub holding: Holding,
    pub breakdown: Option<Breakdown>,
    pub problems: Problems,
}

/// The accounts of several trees, in the order in which the trees were given: a tree is called by its
/// place in that order, the first one by 0. By default, there are none.
#[derive(Debug, Default)]
pub struct Measurement {
    accounts: Vec<Account>,
    shared: Shared,
    uniques: OnceLock<Vec<Estimate>>,
}

/// What the extents of some files add up to: what `btrfs filesystem du` calls total, exclusive and
/// set shared, in bytes. Neither what lies within the metadata nor what has no place yet is an extent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extents {
    /// Every extent of every file.
    pub mapped: ByteSize,
    /// Those that are not shared.
    pub exclusive: ByteSize,
    /// The others, each once.
    pub shared: ByteSize,
}

/// Some trees, and what becomes of inodes whose names lie in several.
struct Together {
    is_in: Vec<bool>,
    total: Usage,
    overlap: Overlap,
    /// By their numbers, those that have names in these trees; and whether they have none elsewhere.
    spread: HashMap<usize, bool>,
}

impl Measurement {
    pub(super) fn new(accounts: Vec<Account>, mut shared: Shared) -> Self {
        let spread = accounts.iter().flat_map(|account| account.links.spread());
        spread.for_each(|inode| shared.inodes.spread(inode));
        Self { accounts, shared, uniques: OnceLock::new() }
    }

    /// What is held, to be added to.
    pub(super) fn shared_mut(&mut self) -> &mut Shared {
        self.uniques.take();
        &mut self.shared
    }

    /// Whether there is data that only these trees seem to hold, though nobody can tell.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.credit(&self.together(0..self.accounts.len())) > 0
    }

    /// How many trees were measured.
    pub fn trees(&self) -> usize {
        self.accounts.len()
    }

    /// The account of one tree; an inode counts once in it. Data that several inodes share counts for
    /// each of them, as for `du`.
    ///
    /// # Panics
    /// There is no such tree.
    pub fn usage(&self, tree: usize) -> Usage {
        self.accounts[tree].usage
    }

    /// When anything in a tree was changed last, be it a name, a content or a mode: by the time that
    /// the system keeps of that and nobody can set back. `None` if some of it could not be read, or
    /// nothing is there.
    ///
    /// # Panics
    /// There is no such tree.
    pub fn newest_change(&self, tree: usize) -> Option<Timestamp> {
        let account = &self.accounts[tree];
        account.newest.filter(|_| account.usage.is_complete())
    }

    /// What fills one tree, if the meter was told to [break trees down](super::Meter::breaking_down).
    pub fn breakdown(&self, tree: usize) -> Option<&Breakdown> {
        self.accounts[tree].breakdown.as_ref()
    }

    /// What could not be read in one tree.
    ///
    /// # Panics
    /// There is no such tree.
    pub fn problems(&self, tree: usize) -> &Problems {
        &self.accounts[tree].problems
    }

    /// The account of several trees together: an inode counts once in all of them, and so does an
    /// extent, if the meter has [read extents](super::Meter::reading_extents).
    ///
    /// # Panics
    /// One of the trees is not there.
    pub fn total(&self, trees: impl IntoIterator<Item = usize>) -> Usage {
        let together = self.together(trees);
        let mut total = together.total;
        total.on_disk = less(total.on_disk, self.again(&together));
        total
    }

    /// Bytes on disk that removing these trees together gives back: an inode that has a name
    /// elsewhere stays, and so does data that somebody else holds. If the meter has not read extents
    /// where files can share them, nothing is certain.
    ///
    /// # Panics
    /// One of the trees is not there.
    pub fn reclaimable(&self, trees: impl IntoIterator<Item = usize>) -> Estimate {
        let together = self.together(trees);
        let holding = self.holding(&together, |part| part == Part::Goes);
        let going = together.total.on_disk - together.overlap.held_elsewhere;
        estimate(going, holding, self.credit(&together))
    }

    /// What the extents of the files in these trees add up to. Nothing, unless the meter has read
    /// them.
    ///
    /// # Panics
    /// One of the trees is not there.
    pub fn extents(&self, trees: impl IntoIterator<Item = usize>) -> Extents {
        let together = self.together(trees);
        let holding = self.holding(&together, |part| part != Part::None);
        let again = self.again(&together);
        Extents {
            mapped: ByteSize::b(holding.mapped),
            exclusive: ByteSize::b(holding.mapped - holding.shared),
            shared: less(ByteSize::b(holding.shared), again),
        }
    }

    /// What these trees hold, with the inodes that have such a part in them.
    fn holding(&self, together: &Together, is_wanted: fn(Part) -> bool) -> Holding {
        let part = |number| self.part(together, Holder::inode(number));
        let mut sum = self.shared.inodes.holding(|number| is_wanted(part(number)));
        self.among(&together.is_in).for_each(|account| sum += account.holding);
        sum
    }

    /// Bytes that more than one of these trees has.
    fn again(&self, together: &Together) -> u64 {
        let survey = self.shared.ledger.survey(0, |holder| match self.part(together, holder) {
            Part::None => Class::Absent,
            Part::Stays | Part::Goes => Class::Foreign,
        });
        survey.again
    }

    /// Bytes of shared data that nobody else seems to hold.
    fn credit(&self, together: &Together) -> u64 {
        let survey = self.shared.ledger.survey(1, |holder| match self.part(together, holder) {
            Part::Goes => Class::Owner(0),
            Part::None | Part::Stays => Class::Foreign,
        });
        survey.credits[0]
    }

    /// Bytes on disk that removing this tree alone gives back. The first call takes a pass over all
    /// that was found to be shared, for all trees.
    ///
    /// # Panics
    /// There is no such tree.
    pub fn unique(&self, tree: usize) -> Estimate {
        self.uniques.get_or_init(|| self.find_uniques())[tree]
    }

    fn find_uniques(&self) -> Vec<Estimate> {
        let trees = self.accounts.len();
        let survey = self.shared.ledger.survey(trees, |holder| {
            let home = match holder.who() {
                Who::Tree(tree) => Some(tree),
                Who::Inode(number) => self.shared.inodes.home(number),
            };
            // The others were only looked at.
            let home = home.filter(|tree| *tree < trees);
            home.map_or(Class::Foreign, |tree| Class::Owner(tree as u32))
        });
        let mut holdings: Vec<_> = self.accounts.iter().map(|account| account.holding).collect();
        for (tree, holding) in self.shared.inodes.at_home().filter(|(tree, _)| *tree < trees) {
            holdings[tree] += holding;
        }
        let found = self.accounts.iter().zip(holdings).zip(survey.credits);
        found
            .map(|((account, holding), credit)| {
                let going = less(account.usage.on_disk, account.links.spread_bytes());
                estimate(going, holding, credit)
            })
            .collect()
    }

    fn together(&self, trees: impl IntoIterator<Item = usize>) -> Together {
        let mut is_in = vec![false; self.accounts.len()];
        trees.into_iter().for_each(|tree| is_in[tree] = true);
        let mut total: Usage = self.among(&is_in).map(|account| account.usage).sum();
        let mut spread = HashMap::new();
        let links = self.among(&is_in).map(|account| &account.links);
        let overlap = Overlap::of(links, |inode, is_whole| {
            spread.extend(self.shared.inodes.number(inode).map(|number| (number, is_whole)));
        });
        total.apparent -= overlap.apparent;
        total.on_disk -= overlap.on_disk;
        Together { is_in, total, overlap, spread }
    }

    fn among<'s>(&'s self, is_in: &'s [bool]) -> impl Iterator<Item = &'s Account> {
        self.accounts.iter().zip(is_in).filter(|(_, is_in)| **is_in).map(|(account, _)| account)
    }

    /// What a holder has to do with some trees.
    fn part(&self, together: &Together, holder: Holder) -> Part {
        let home = match holder.who() {
            Who::Tree(tree) => Some(tree),
            Who::Inode(number) => match together.spread.get(&number) {
                Some(true) => return Part::Goes,
                Some(false) => return Part::Stays,
                None => self.shared.inodes.home(number),
            },
        };
        match home.and_then(|tree| together.is_in.get(tree)) {
            Some(true) => Part::Goes,
            Some(false) | None => Part::None,
        }
    }
}

/// What a holder has to do with trees that are removed together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    /// It is in them, but not all of its names are.
    Stays,
    Goes,
}

/// Of inodes that occupy so much: what is shared comes back as far as it is credited.
fn estimate(going: ByteSize, holding: Holding, credit: u64) -> Estimate {
    let certain = less(going, holding.shared + holding.unsure + holding.padding);
    let at_most = certain + ByteSize::b(holding.unsure + credit);
    Estimate { certain, at_most: at_most.min(going) }
}

/// What files share may change while they are looked at; nothing gets less than nothing by that.
fn less(bytes: ByteSize, without: u64) -> ByteSize {
    ByteSize::b(bytes.as_u64().saturating_sub(without))
}
