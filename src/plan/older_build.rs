//! Which image is a newer build of the same program as another.
//!
//! A rebuilt image takes over the reference of its older build, and nothing on disk remembers that. An
//! image that has lost its reference for another cause looks alike. So a *replacement* is proven, by
//! times and by what the images bring:
//!
//! - **Newer**: it was born after the last use of the other one. That birth is no later than its own
//!   last use, or it is a copy, and its birth tells nothing.
//! - **The same program**: both bring the same [tokens](crate::cache::Token), one of which names a program and is
//!   missing elsewhere in the cache. Where all images bring the same, there is no elsewhere, and any
//!   name will do.
//!
//! Two builds also differ if their common base has gained or lost tools in between. A base changes in
//! time, and it changes every program:
//!
//! 1. every image born up to the old build is without the new tool, every image born from the new
//!    build on has it; for a lost tool the other way round;
//! 2. a *witness* has changed alike: an image of another program, born after the old build, with all
//!    that was gained and nothing that was lost. It is of another program, since it brings a name that
//!    neither of the two builds has, and lacks what tells these two from others.
//!
//! What tells them from others has to be more than a tool that the base had for some time. So it is a
//! name that was missing from an image born between two others that have it. Only where nothing was
//! lost, or nothing gained, a name will do that some image lacks: of two programs, each has
//! something that the other has not.
//!
//! In doubt, two images are not the same program: the cost is that an image stays for a week.
//! This trusts a base not to bring back a tool that it had dropped.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsStr;

use super::tokens::{Build, TokenFacts, TokenId, Tokenized, facts, tokenize};
use crate::cache::Location;

/// All images of a cache, ready to be compared. Costs as much to make as to sort all their tokens; an answer
/// takes one pass over the different sets of tokens.
#[derive(Debug)]
pub struct Builds<'a> {
    builds: Vec<Tokenized<'a>>,
    tokens: Vec<TokenFacts<'a>>,
    by_location: HashMap<&'a Location, usize>,
    /// The builds with the same tokens, by number: the youngest first, those without a birth last.
    variants: HashMap<Vec<TokenId>, Vec<usize>>,
    /// Whether all programs that were read completely are alike.
    is_uniform: bool,
}

impl<'a> Builds<'a> {
    /// Of all images in a cache.
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

    /// The image that is proven to be a newer build of the same program, the youngest one of those that
    /// stay.
    pub fn replacement(
        &self,
        of: &Location,
        stays: impl Fn(&Location) -> bool,
    ) -> Option<&'a Location> {
        let old = self.get(of)?;
        let is_newer = |build: &&Tokenized<'_>| build.born() > Some(old.build.last_used);
        // Of those with the same tokens, the youngest proves the most.
        let youngest = |numbers: &Vec<usize>| {
            let builds = numbers.iter().map(|&number| &self.builds[number]);
            builds.take_while(is_newer).find(|build| stays(build.build.location))
        };
        let proven =
            self.variants.values().filter_map(youngest).filter(|new| self.is_same(old, new));
        let newest = proven.max_by_key(|new| (new.born(), Reverse(new.build.location)));
        newest.map(|new| new.build.location)
    }

    /// The image that `of` most likely is an older build of, among those that have a reference: its
    /// replacement, or else the image most like it. That is a guess, good for nothing but to be shown.
    pub fn likeliest(
        &self,
        of: &Location,
        is_referenced: impl Fn(&Location) -> bool,
    ) -> Option<&'a Location> {
        self.replacement(of, &is_referenced)
            .or_else(|| self.most_alike(self.get(of)?, is_referenced))
    }

    /// What to call an image that no reference names: the name of a program or package that it brings
    /// and not all images have. Rather one that is no tool of a base, then the rarest, then the shortest. Not
    /// safe to print.
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

    /// Whether a token names a program, and not one that all bring.
    fn names_a_program(&self, tokens: &[TokenId]) -> bool {
        let mut facts = tokens.iter().map(|&token| &self.tokens[token]);
        facts.any(|facts| {
            facts.token.names_a_program() && (facts.is_distinguishing || self.is_uniform)
        })
    }

    /// Whether a change of the base explains everything in which the two differ, and nothing else does.
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

    /// The common names that tell both builds from those of other programs.
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

    /// Whether a build brings a name that neither of two others has.
    fn has_another_name(
        &self,
        build: &Tokenized<'_>,
        old: &Tokenized<'_>,
        new: &Tokenized<'_>,
    ) -> bool {
        let mut others = build.tokens.iter().filter(|&&token| old.lacks(token) && new.lacks(token));
        others.any(|&token| self.tokens[token].token.names_a_program())
    }

    /// The image with the same tokens, or else one that shares half of what the two bring on average. The
    /// rarer a token, the more it counts; one that all images have does not count.
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

    /// What each build shares with this one, if anything.
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

/// The builds with the same tokens, by number: the youngest first, those without a birth last.
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
