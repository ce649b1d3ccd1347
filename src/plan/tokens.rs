//! When the tokens of programs existed: which images born before and after some moment have one.
//!
//! The tools of a common base come and go over time: once the base has a new tool, every image
//! built on it has that tool, too. The name of a program does not behave like that: other programs
//! are built in between. So the births of the images with and without a token tell whether a change
//! of the base can explain it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::cache::{Location, Program, Token};

/// An image as one of the builds of a cache.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The location of the image.
    pub location: &'a Location,
    /// Its program; `None` if it was unreadable.
    pub program: Option<&'a Program>,
    /// When its pull began, if the file system records births: see
    /// [`Lifetimes::pulled`](crate::cache::Lifetimes::pulled).
    pub born: Option<Timestamp>,
    /// Its modification time.
    pub last_used: Timestamp,
}

impl Build<'_> {
    /// Its birth. `None` for a copy, which is born after its own last use.
    pub(super) fn true_birth(&self) -> Option<Timestamp> {
        self.born.filter(|born| *born <= self.last_used)
    }
}

/// The index of a token.
pub(super) type TokenId = usize;

/// A build whose program was read, with the indices of its tokens.
#[derive(Debug)]
pub(super) struct Tokenized<'a> {
    pub build: Build<'a>,
    pub is_complete: bool,
    /// Sorted.
    pub tokens: Vec<TokenId>,
}

impl Tokenized<'_> {
    pub fn has(&self, token: TokenId) -> bool {
        self.tokens.binary_search(&token).is_ok()
    }

    pub fn lacks(&self, token: TokenId) -> bool {
        !self.has(token)
    }

    /// Its birth, if its program was read completely and so can be compared.
    pub fn born(&self) -> Option<Timestamp> {
        self.build.true_birth().filter(|_| self.is_complete)
    }

    fn earliest(&self) -> Timestamp {
        self.build.true_birth().unwrap_or(Timestamp::MIN)
    }

    fn latest(&self) -> Timestamp {
        self.build.true_birth().unwrap_or(self.build.last_used)
    }
}

/// Facts about a token.
#[derive(Debug)]
pub(super) struct TokenFacts<'a> {
    pub token: &'a Token,
    /// The builds that have it, by index.
    pub holders: Vec<usize>,
    /// Whether at least one image certainly lacks it.
    pub is_distinguishing: bool,
    /// Whether an image without it was born between two that have it. A tool of the base would have
    /// had to disappear and come back for that.
    pub is_interrupted: bool,
    first_holder: Timestamp,
    last_holder: Timestamp,
    first_lacker: Timestamp,
    last_lacker: Timestamp,
}

impl TokenFacts<'_> {
    /// Whether everything born until `old` lacks it and everything born from `new` on has it.
    pub fn came_between(&self, old: Timestamp, new: Timestamp) -> bool {
        !self.is_interrupted && old < self.first_holder && self.last_lacker < new
    }

    /// Whether everything born until `old` has it and everything born from `new` on lacks it.
    pub fn went_between(&self, old: Timestamp, new: Timestamp) -> bool {
        !self.is_interrupted && old < self.first_lacker && self.last_holder < new
    }

    /// How much it counts if two images share it: the rarer, the more; zero if all images have it.
    pub fn weight(&self, images: usize) -> u64 {
        let holders = self.holders.len().max(1) as u64;
        1000 * (images as u64 - self.holders.len() as u64) / holders
    }
}

/// Assigns indices to the tokens of all builds whose program was read.
pub(super) fn tokenize<'a>(
    builds: impl IntoIterator<Item = Build<'a>>,
) -> (Vec<Tokenized<'a>>, Vec<&'a Token>) {
    let (mut ids, mut tokens) = (HashMap::new(), Vec::new());
    let tokenized = builds.into_iter().filter_map(|build| {
        let program = build.program?;
        let number = |token| {
            *ids.entry(token).or_insert_with(|| {
                tokens.push(token);
                tokens.len() - 1
            })
        };
        let mut found: Vec<_> = program.tokens.iter().map(number).collect();
        found.sort_unstable();
        Some(Tokenized { build, is_complete: program.is_complete(), tokens: found })
    });
    (tokenized.collect(), tokens)
}

/// Collects the facts about each token. An image with an unknown birth may be of any age.
pub(super) fn facts<'a>(builds: &[Tokenized<'_>], tokens: Vec<&'a Token>) -> Vec<TokenFacts<'a>> {
    let mut holders = vec![Vec::new(); tokens.len()];
    for (number, build) in builds.iter().enumerate() {
        build.tokens.iter().for_each(|&token| holders[token].push(number));
    }
    let order = Order::new(builds);
    let with_holders = tokens.into_iter().zip(holders).enumerate();
    with_holders.map(|(id, (token, holders))| order.facts(id, token, holders)).collect()
}

/// The builds by age.
struct Order<'b> {
    builds: &'b [Tokenized<'b>],
    by_earliest: Vec<&'b Tokenized<'b>>,
    by_latest: Vec<&'b Tokenized<'b>>,
    /// The known births, sorted.
    births: Vec<Timestamp>,
    complete: usize,
}

impl<'b> Order<'b> {
    fn new(builds: &'b [Tokenized<'b>]) -> Self {
        let mut by_earliest: Vec<_> = builds.iter().collect();
        let mut by_latest = by_earliest.clone();
        by_earliest.sort_by_key(|build| build.earliest());
        by_latest.sort_by_key(|build| build.latest());
        let mut births: Vec<_> = builds.iter().filter_map(Tokenized::born).collect();
        births.sort_unstable();
        let complete = builds.iter().filter(|build| build.is_complete).count();
        Self { builds, by_earliest, by_latest, births, complete }
    }

    fn facts<'a>(&self, id: TokenId, token: &'a Token, holders: Vec<usize>) -> TokenFacts<'a> {
        let having = || holders.iter().map(|&number| &self.builds[number]);
        // Takes at most one step per holder: the next build lacks it.
        let first_lacker = self.by_earliest.iter().find(|build| build.lacks(id));
        let last_lacker = self.by_latest.iter().rev().find(|build| build.lacks(id));
        TokenFacts {
            token,
            is_distinguishing: having().filter(|build| build.is_complete).count() < self.complete,
            is_interrupted: self.is_interrupted(having().filter_map(Tokenized::born).collect()),
            first_holder: having().map(Tokenized::earliest).min().unwrap_or(Timestamp::MAX),
            last_holder: having().map(Tokenized::latest).max().unwrap_or(Timestamp::MIN),
            first_lacker: first_lacker.map_or(Timestamp::MAX, |build| build.earliest()),
            last_lacker: last_lacker.map_or(Timestamp::MIN, |build| build.latest()),
            holders,
        }
    }

    fn is_interrupted(&self, having: Vec<Timestamp>) -> bool {
        let (Some(&first), Some(&last)) = (having.iter().min(), having.iter().max()) else {
            return false;
        };
        let until = self.births.partition_point(|&born| born <= first);
        let before = self.births.partition_point(|&born| born < last);
        let between = having.iter().filter(|&&born| first < born && born < last).count();
        before.saturating_sub(until) > between
    }
}
