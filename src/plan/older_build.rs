//! Which image is a newer build of the same program as another.
//!
//! A rebuilt image takes over the reference of its older build, and nothing on disk records that.
//! An image that lost its reference for another reason looks the same. So a *replacement* must be
//! proven by timestamps and contents:
//!
//! - **Newer**: it was born after the last use of the other one. Its birth must not be later than
//!   its own last use: otherwise it is a copy, and its birth proves nothing.
//! - **The same program**: both have the same [tokens](crate::cache::Token), at least one of which
//!   names a program and is missing elsewhere in the cache. If all images have the same tokens,
//!   there is no elsewhere, and any name will do.
//!
//! Two builds may also differ because their common base has gained or lost tools in between. A base
//! changes over time, and it changes every program:
//!
//! 1. Every image born up to the old build lacks the new tool, and every image born from the new
//!    build on has it. For a lost tool, it is the other way round.
//! 2. A *witness* has changed in the same way: an image of another program, born after the old
//!    build, with everything that was gained and nothing that was lost. It is another program
//!    because it has a name that neither build has, and lacks whatever distinguishes the two builds
//!    from others.
//!
//! A tool that the base had for some time must not count as distinguishing. So a name counts only
//! if it was missing from an image born between two others that have it. If nothing was lost, or
//! nothing gained, any name that some image lacks will do: of two different programs, each has
//! something that the other lacks.
//!
//! In doubt, two images are different programs. The cost is an image kept for a week. All of this
//! assumes that a base never brings back a tool that it had dropped.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsStr;

use super::tokens::{Build, TokenFacts, TokenId, Tokenized, facts, tokenize};
use crate::cache::Location;

/// All images of a cache, ready for comparison. Building it costs about as much as sorting all
/// their tokens. A query takes one pass over the distinct sets of tokens.
#[derive(Debug)]
pub struct Builds<'a> {
    builds: Vec<Tokenized<'a>>,
    tokens: Vec<TokenFacts<'a>>,
    by_location: HashMap<&'a Location, usize>,
    /// The builds with the same tokens, by index: youngest first, those without a birth last.
    variants: HashMap<Vec<TokenId>, Vec<usize>>,
    /// Whether all programs that were read completely have the same tokens.
    is_uniform: bool,
}

impl<'a> Builds<'a> {
    /// Indexes all images of a cache.
    pub fn new(images: impl IntoIterator<Item = Build<'a>>) -> Self {
        let (builds, tokens) = tokenize(images);
        let tokens = facts(&builds, tokens);
        let locations = builds.iter().map(|build| build.build.location);
        let by_location = locations.enumerate().map(|(number, place)| (place, number)).collect();
        let mut complete = builds.iter().filter(|build| build.is_complete);
        let first = complete.next();
        let is_uniform = complete.all(|build| Some(&build.tokens) == first.map(|b| &b.tokens));
        let variants = variants(&builds);
        Self { builds, tokens, by_location, variants, is_uniform }
    }

    /// The newer build of the same program, if one is proven: the youngest of those for which
    /// `stays` is true.
    pub fn replacement(
        &self,
        of: &Location,
        stays: impl Fn(&Location) -> bool,
    ) -> Option<&'a Location> {
        let old = self.get(of)?;
        let is_newer = |build: &&Tokenized<'_>| build.born() > Some(old.build.last_used);
        // Among builds with the same tokens, the youngest proves the most.
        let youngest = |numbers: &Vec<usize>| {
            let builds = numbers.iter().map(|&number| &self.builds[number]);
            builds.take_while(is_newer).find(|build| stays(build.build.location))
        };
        let proven =
            self.variants.values().filter_map(youngest).filter(|new| self.is_same(old, new));
        let newest = proven.max_by_key(|new| (new.born(), Reverse(new.build.location)));
        newest.map(|new| new.build.location)
    }

    /// The referenced image of which `of` is most likely an older build: its replacement, or else
    /// the most similar image. This is a guess, for display only.
    pub fn likeliest(
        &self,
        of: &Location,
        is_referenced: impl Fn(&Location) -> bool,
    ) -> Option<&'a Location> {
        self.replacement(of, &is_referenced)
            .or_else(|| self.most_alike(self.get(of)?, is_referenced))
    }

    /// The best name for an image without a reference: a program or package that it has and not
    /// every image has. Prefers one that is not a tool of the base, then the rarest, then the
    /// shortest. Not safe to print.
    pub fn name(&self, of: &Location) -> Option<&'a OsStr> {
        let facts = self.get(of)?.tokens.iter().map(|&token| &self.tokens[token]);
        let own = facts.filter(|facts| facts.is_distinguishing);
        let named = own.filter_map(|facts| Some((facts, facts.token.program()?)));
        let key = |(facts, name): &(&TokenFacts<'a>, &'a OsStr)| {
            (!facts.is_interrupted, facts.holders.len(), name.len(), *name)
        };
        named.min_by_key(key).map(|(_, name)| name)
    }

    fn get(&self, image: &Location) -> Option<&Tokenized<'a>> {
        self.by_location.get(image).map(|&number| &self.builds[number])
    }

    fn is_same(&self, old: &Tokenized<'_>, new: &Tokenized<'_>) -> bool {
        let has_same_tokens = old.tokens == new.tokens;
        if !old.is_complete || !new.is_complete {
            false
        } else if has_same_tokens {
            self.names_a_program(&old.tokens)
        } else {
            self.is_rebuilt(old, new)
        }
    }

    /// Whether a token names a program that not every image has.
    fn names_a_program(&self, tokens: &[TokenId]) -> bool {
        let mut facts = tokens.iter().map(|&token| &self.tokens[token]);
        facts.any(|facts| {
            facts.token.names_a_program() && (facts.is_distinguishing || self.is_uniform)
        })
    }

    /// Whether a change of the base explains every difference between the two, and is the only
    /// explanation.
    fn is_rebuilt(&self, old: &Tokenized<'_>, new: &Tokenized<'_>) -> bool {
        let (Some(from), Some(to)) = (old.born(), new.born()) else { return false };
        let gained = || new.tokens.iter().copied().filter(|&token| old.lacks(token));
        let lost = || old.tokens.iter().copied().filter(|&token| new.lacks(token));
        if !gained().all(|token| self.tokens[token].came_between(from, to))
            || !lost().all(|token| self.tokens[token].went_between(from, to))
        {
            return false;
        }
        let is_one_way = gained().next().is_none() || lost().next().is_none();
        let own = self.own_names(old, new, is_one_way);
        !own.is_empty()
            && self.builds.iter().any(|witness| {
                witness.born() > Some(from)
                    && gained().all(|token| witness.has(token))
                    && lost().all(|token| witness.lacks(token))
                    && own.iter().all(|&token| witness.lacks(token))
                    && self.has_another_name(witness, old, new)
            })
    }

    /// The common names that distinguish both builds from other programs.
    fn own_names(
        &self,
        old: &Tokenized<'_>,
        new: &Tokenized<'_>,
        is_one_way: bool,
    ) -> Vec<TokenId> {
        let common = || old.tokens.iter().copied().filter(|&token| new.has(token));
        let names = || common().filter(|&token| self.tokens[token].token.names_a_program());
        let certain: Vec<_> = names().filter(|&token| self.tokens[token].is_interrupted).collect();
        if certain.is_empty() && is_one_way {
            names().filter(|&token| self.tokens[token].is_distinguishing).collect()
        } else {
            certain
        }
    }

    /// Whether a build has a name that neither of the two others has.
    fn has_another_name(
        &self,
        build: &Tokenized<'_>,
        old: &Tokenized<'_>,
        new: &Tokenized<'_>,
    ) -> bool {
        let mut others = build.tokens.iter().filter(|&&token| old.lacks(token) && new.lacks(token));
        others.any(|&token| self.tokens[token].token.names_a_program())
    }

    /// The image with the same tokens, or else the most similar one, if it shares at least half of
    /// the average weight of the two. A rarer token weighs more; one that all images have weighs
    /// nothing.
    fn most_alike(
        &self,
        orphan: &Tokenized<'_>,
        is_referenced: impl Fn(&Location) -> bool,
    ) -> Option<&'a Location> {
        let equal = self.variants.get(&orphan.tokens).filter(|_| !orphan.tokens.is_empty());
        let mut locations =
            equal.into_iter().flatten().map(|&number| self.builds[number].build.location);
        locations.find(|location| is_referenced(location)).or_else(|| {
            let shared = self.shared_weights(orphan).into_iter();
            let shared = shared.map(|(number, shared)| (&self.builds[number], shared));
            let known = shared.filter(|(build, _)| is_referenced(build.build.location));
            let likeness = known.map(|(build, shared)| {
                let both = self.weight(&orphan.tokens) + self.weight(&build.tokens);
                (2000 * shared / both.max(1), Reverse(build.build.location))
            });
            let best = likeness.filter(|(likeness, _)| *likeness >= 500).max();
            best.map(|(_, Reverse(location))| location)
        })
    }

    /// The weight of the tokens that each other build shares with this one. Builds that share none
    /// are left out.
    fn shared_weights(&self, one: &Tokenized<'_>) -> HashMap<usize, u64> {
        let mut shared = HashMap::new();
        for facts in one.tokens.iter().map(|&token| &self.tokens[token]) {
            let weight = facts.weight(self.builds.len());
            if weight > 0 {
                facts
                    .holders
                    .iter()
                    .for_each(|&number| *shared.entry(number).or_default() += weight);
            }
        }
        shared
    }

    fn weight(&self, tokens: &[TokenId]) -> u64 {
        tokens.iter().map(|&token| self.tokens[token].weight(self.builds.len())).sum()
    }
}

/// The builds with the same tokens, by index: youngest first, those without a birth last.
fn variants(builds: &[Tokenized<'_>]) -> HashMap<Vec<TokenId>, Vec<usize>> {
    let mut variants: HashMap<_, Vec<_>> = HashMap::new();
    for (number, build) in builds.iter().enumerate() {
        variants.entry(build.tokens.clone()).or_default().push(number);
    }
    for numbers in variants.values_mut() {
        let key = |&number: &usize| (Reverse(builds[number].born()), builds[number].build.location);
        numbers.sort_by_key(key);
    }
    variants
}
