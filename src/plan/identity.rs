//! What an orphan most likely was.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};

use super::evidence::Evidence;
use super::older_build::Builds;
use super::reachability::Reachability;
use crate::cache::{Location, Token};
use crate::escape::Escaped;

/// A guess: the reference that an orphan most likely had, the name of its program, and how it is run. None of it is safe to
/// print but by [`Display`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The reference of the image that it is most likely an older build of.
    pub reference: Option<String>,
    /// The name of a program that it brings and not all images have.
    pub program: Option<OsString>,
    /// Its entrypoint, or its command if it has none.
    pub runs: Vec<String>,
}

impl Identity {
    /// What an orphan most likely was, if anything tells.
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
            // Entrypoints come first in order.
            runs: program.tokens.iter().find_map(words).unwrap_or_default(),
        };
        (found != Self::default()).then_some(found)
    }
}

/// `older ghcr.io/a/b:latest?`, the name of the program, or what it runs; safe to print.
impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (&self.reference, &self.program) {
            (Some(reference), _) => write!(f, "older {}?", Escaped::new(reference)),
            (None, Some(program)) => write!(f, "{}", Escaped::new(program)),
            (None, None) => write!(f, "runs {}", Escaped::new(&self.runs.join(" "))),
        }
    }
}
