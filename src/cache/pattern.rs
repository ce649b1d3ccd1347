//! Patterns for references.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::digest::Digest;
use super::find::parts;
use super::inventory::Inventory;

/// A shell pattern for references: `*` matches any text including slashes, `?` one character,
/// `[ab]` one of these characters. It matches a whole reference or the end of one in whole
/// components. Without a tag it matches every tag.
///
/// ```
/// use bbox_cache::cache::Pattern;
///
/// let pattern: Pattern = "brood-box/agent-*".parse()?;
/// assert!(pattern.matches("ghcr.io/stacklok/brood-box/agent-1:latest"));
/// assert!(!pattern.matches("ghcr.io/stacklok/brood-box/codex:latest"));
/// # Ok::<(), bbox_cache::cache::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

/// Why a text is not a valid pattern.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(#[from] glob::PatternError);

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Ok(Self(glob::Pattern::new(text)?))
    }
}

/// The pattern as written. Not safe to print.
impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Pattern {
    /// Whether a text contains a wildcard.
    pub fn is_in(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Whether the pattern matches a reference.
    pub fn matches(&self, reference: &str) -> bool {
        let (path, _) = parts(reference);
        let begins = path.match_indices('/').map(|(slash, _)| slash + 1);
        let mut begins = [0].into_iter().chain(begins);
        begins.any(|from| self.0.matches(&reference[from..]) || self.0.matches(&path[from..]))
    }
}

impl Inventory {
    /// The images in place that have a matching reference.
    pub fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = &Digest> {
        let is_named = |digest: &&Digest| {
            let mut refs = self.refs.refs.iter().filter(|found| found.digest == **digest);
            refs.any(|found| found.image.as_deref().is_some_and(|image| pattern.matches(image)))
        };
        self.images().map(|(_, digest)| digest).filter(is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_reference_or_its_end_with_any_tag_unless_it_has_one() {
        let reference = "localhost:5000/brood-box/agent-1:v2";
        for (pattern, expected) in [
            ("localhost:5000/*/agent-*", true),
            ("localhost:5000/*", true),
            ("*", true),
            ("agent-?", true),
            ("agent-[12]", true),
            ("agent-[34]", false),
            ("gent-*", false),
            ("*gent-*", true),
            ("brood-box/agent-1", true),
            ("agent-1:*", true),
            ("agent-1:v?", true),
            ("agent-?:latest", false),
            ("*:v2", true),
            ("v2", false),
            ("5000/*", false),
            ("AGENT-*", false),
            ("", false),
        ] {
            assert_eq!(
                pattern.parse::<Pattern>().unwrap().matches(reference),
                expected,
                "{pattern}"
            );
        }
        let pinned = "ghcr.io/a/pinned@sha256:abcd";
        assert!("a/pinn*".parse::<Pattern>().unwrap().matches(pinned));
        assert!("*@sha256:*".parse::<Pattern>().unwrap().matches(pinned));
        assert!("a[".parse::<Pattern>().is_err());
    }
}
