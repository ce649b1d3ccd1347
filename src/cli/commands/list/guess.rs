//! What the orphans most likely were.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use crate::cache::{Cache, Entry, Inventory, Lifetimes, Location, Program, Token};
use crate::escape::Escaped;
use crate::plan::{Build, Builds, Reachability};

/// What there is to say of an orphan.
pub struct Guess {
    /// The reference that it most likely had.
    pub reference: Option<String>,
    /// The name of its program.
    program: Option<OsString>,
    /// Its entrypoint, or its command where it has none.
    pub runs: Vec<String>,
}

/// Safe to print; nothing where nothing is known.
impl std::fmt::Display for Guess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.reference, &self.program) {
            (Some(reference), _) => write!(f, "older {}?", Escaped::new(reference)),
            (None, Some(program)) => write!(f, "{}", Escaped::new(program)),
            (None, None) if self.runs.is_empty() => Ok(()),
            (None, None) => write!(f, "runs {}", Escaped::new(&self.runs.join(" "))),
        }
    }
}

/// A guess for each orphan that brings something to tell by.
#[derive(Default)]
pub struct Guesses(HashMap<Location, Guess>);

impl Guesses {
    /// Reads what programs the images bring, if there is an orphan at all.
    pub fn new(cache: &Cache, inventory: &Inventory, lifetimes: &Lifetimes) -> Self {
        let reachability = Reachability::new(&inventory.refs.refs);
        let is_referenced = |image: &Location| reachability.contains(&image.name);
        let is_orphan = |image: &&Entry| !is_referenced(&image.location);
        let images = || inventory.images().map(|(image, _)| image);
        // With a ref that cannot be read, nobody knows what an orphan is.
        if !images().any(|image| is_orphan(&image)) || !inventory.refs.unreadable.is_empty() {
            return Self::default();
        }
        // A guess is only a hint: an unreadable directory loses it.
        let programs = cache.programs(inventory);
        let builds = Builds::new(images().map(|image| Build {
            location: &image.location,
            program: programs.get(&image.location),
            born: lifetimes.pulled(&image.location),
            last_used: image.last_used,
        }));
        let name = |image: &Location| {
            let mut refs = reachability.get(&image.name).iter();
            refs.find_map(|found| found.image.as_deref())
        };
        let guess = |image: &Entry| {
            let location = &image.location;
            let program = programs.get(location).filter(|program| !program.tokens.is_empty())?;
            let likeliest = builds.likeliest(location, |other| name(other).is_some());
            let guess = Guess {
                reference: likeliest.and_then(name).map(str::to_owned),
                program: builds.name(location).map(OsStr::to_owned),
                runs: runs(program),
            };
            Some((location.clone(), guess))
        };
        Self(images().filter(is_orphan).filter_map(guess).collect())
    }

    pub fn get(&self, image: &Entry) -> Option<&Guess> {
        self.0.get(&image.location)
    }
}

/// The entrypoint, or the command where there is none: entrypoints are first in order.
fn runs(program: &Program) -> Vec<String> {
    let words = |token: &Token| match token {
        Token::Entrypoint(words) | Token::Command(words) => Some(words.clone()),
        _ => None,
    };
    program.tokens.iter().find_map(words).unwrap_or_default()
}
