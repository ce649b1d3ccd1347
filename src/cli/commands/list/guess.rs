//! What the orphans most likely were.

use std::collections::HashMap;

use crate::cache::{Cache, Entry, ImageConfig, Inventory, Location};
use crate::escape::Escaped;
use crate::plan::{OlderBuild, Reachability};

/// What there is to say of an orphan.
pub struct Guess {
    /// The reference that it most likely had.
    pub reference: Option<String>,
    /// Its entrypoint, or its command where it has none.
    pub runs: Vec<String>,
}

impl Guess {
    fn new(orphan: ImageConfig, likeness: &OlderBuild<'_>) -> Self {
        let reference = likeness.likeliest(&orphan).map(str::to_owned);
        let ImageConfig { entrypoint, command, .. } = orphan;
        Self { reference, runs: if entrypoint.is_empty() { command } else { entrypoint } }
    }
}

/// Safe to print; nothing where nothing is known.
impl std::fmt::Display for Guess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reference {
            Some(reference) => write!(f, "older {}?", Escaped::new(reference)),
            None if self.runs.is_empty() => Ok(()),
            None => write!(f, "runs {}", Escaped::new(&self.runs.join(" "))),
        }
    }
}

/// A guess for each orphan that says how it is run.
#[derive(Default)]
pub struct Guesses(HashMap<Location, Guess>);

impl Guesses {
    /// Reads how the images are run, if there is an orphan at all.
    pub fn new(cache: &Cache, inventory: &Inventory) -> Self {
        let reachability = Reachability::new(&inventory.refs.refs);
        let is_named = |image: &Entry| reachability.contains(&image.location.name);
        let (live, orphans): (Vec<_>, Vec<_>) =
            inventory.images().map(|(image, _)| image).partition(|image| is_named(image));
        // With a ref that cannot be read, nobody knows what an orphan is.
        if orphans.is_empty() || !inventory.refs.unreadable.is_empty() {
            return Self::default();
        }
        let name = |image: &&Entry| {
            let mut refs = reachability.get(&image.location.name).iter();
            refs.find_map(|found| found.image.as_deref())
        };
        let live = live.iter().filter_map(|image| Some((name(image)?, config(cache, image)?)));
        let live: Vec<_> = live.collect();
        let likeness = OlderBuild::new(live.iter().map(|(name, config)| (*name, config)));
        let guess = |image: &Entry| {
            Some((image.location.clone(), Guess::new(config(cache, image)?, &likeness)))
        };
        Self(orphans.into_iter().filter_map(guess).collect())
    }

    pub fn get(&self, image: &Entry) -> Option<&Guess> {
        self.0.get(&image.location)
    }
}

/// A guess is only a hint: what a config would have said is missed by nobody if it cannot be read.
fn config(cache: &Cache, image: &Entry) -> Option<ImageConfig> {
    cache.config(&image.location).ok().flatten()
}
