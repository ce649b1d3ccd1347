//! A guess at what an orphan was.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};

use super::evidence::Evidence;
use super::older_build::Builds;
use super::reachability::Reachability;
use crate::cache::{Location, Token};
use crate::escape::Escaped;

/// A guess at what an orphan was: its former reference, the name of its program, and how it is run.
/// Only [`Display`] is safe to print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The reference of the image of which it is most likely an older build.
    pub reference: Option<String>,
    /// The name of a program that it has and not every image has.
    pub program: Option<OsString>,
    /// Its entrypoint, or its command if it has none.
    pub runs: Vec<String>,
}

impl Identity {
    /// Guesses what an orphan was; `None` without a clue.
    pub(super) fn new(
        orphan: &Location,
        builds: &Builds<'_>,
        reachability: &Reachability<'_>,
        evidence: &Evidence,
    ) -> Option<Self> {
        let program = evidence.programs.get(orphan)?;
        let words = |token: &Token| match token {
            Token::Entrypoint(words) | Token::Command(words) => Some(words.clone()),
            _ => None,
        };
        let reference = |image: &Location| {
            let mut refs = reachability.get(&image.name).iter();
            refs.find_map(|found| found.image.clone())
        };
        let likeliest = builds.likeliest(orphan, |image| reference(image).is_some());
        let found = Self {
            reference: likeliest.and_then(reference),
            program: builds.name(orphan).map(OsStr::to_owned),
            // Entrypoints sort before commands.
            runs: program.tokens.iter().find_map(words).unwrap_or_default(),
        };
        (found != Self::default()).then_some(found)
    }
}

/// `older ghcr.io/a/b:latest?`, the name of the program, or the command that it runs. Safe to
/// print.
impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (&self.reference, &self.program) {
            (Some(reference), _) => write!(f, "older {}?", Escaped::new(reference)),
            (None, Some(program)) => write!(f, "{}", Escaped::new(program)),
            (None, None) => write!(f, "runs {}", Escaped::new(&self.runs.join(" "))),
        }
    }
}
