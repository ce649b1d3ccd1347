//! The digest that identifies an image or a layer.

use std::fmt;

use super::entry_name::EntryName;
use crate::escape::Escaped;

/// A digest as the cache's owner uses it: text like `sha256:0a1b…`, and on disk the same text with
/// its first `:` replaced by `-`. Like the owner, this type checks nothing else. Two digests are
/// equal if their names on disk are equal.
///
/// ```
/// # use bbox_cache::cache::Digest;
/// let digest = Digest::parse(b"sha256:8432e34e7c7783e427a0").expect("a plain name");
/// assert_eq!(digest.entry_name().as_bytes(), b"sha256-8432e34e7c7783e427a0");
/// assert_eq!(digest.short(), "8432e34e7c77");
/// assert_eq!(Digest::parse(b"../sha256:8432"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(EntryName);

/// The prefix of every image's and layer's name.
const ENTRY_PREFIX: &str = "sha256-";

impl Digest {
    /// Parses the text of a digest exactly as given. `None` if it cannot be the name of an entry.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut name = text.to_vec();
        if let Some(colon) = name.iter().position(|&byte| byte == b':') {
            name[colon] = b'-';
        }
        EntryName::new(name).map(Self)
    }

    /// The digest in an entry's name. `None` unless it is named like an image or a layer.
    pub fn of_entry(name: &EntryName) -> Option<Self> {
        name.starts_with(ENTRY_PREFIX).then(|| Self(name.clone()))
    }

    /// The digest's name on disk.
    pub fn entry_name(&self) -> &EntryName {
        &self.0
    }

    /// The digest as text, with U+FFFD for bytes that are not UTF-8. Not safe to print.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self.0.as_bytes()).replacen('-', ":", 1)
    }

    /// The first 12 characters after the algorithm. Safe to print. Enough to tell images apart and
    /// to look one up with [`Inventory::find`](super::Inventory::find).
    pub fn short(&self) -> String {
        let text = self.to_string();
        let digits = text.split_once(':').map_or(text.as_str(), |(_, digits)| digits);
        digits.chars().take(12).collect()
    }
}

/// The digest as text. Safe to print.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Escaped::new(self.0.as_os_str()).to_string();
        f.write_str(&name.replacen('-', ":", 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_and_its_entry_name_convert_to_each_other() {
        for (text, entry, shown) in [
            ("sha256:live", "sha256-live", "sha256:live"),
            (" sha256:live", " sha256-live", " sha256:live"),
            ("sha256:a:b-c", "sha256-a:b-c", "sha256:a:b-c"),
            ("sha512:0", "sha512-0", "sha512:0"),
        ] {
            let digest = Digest::parse(text.as_bytes()).unwrap();
            assert_eq!(digest.entry_name().as_bytes(), entry.as_bytes());
            assert_eq!(digest.to_string(), shown);
        }
    }

    #[test]
    fn a_path_out_of_the_cache_is_not_a_digest() {
        for text in ["", "..", ".", "sha256:../../srv", "/", "a/b", "sha256:a\0"] {
            assert_eq!(Digest::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn short_is_twelve_digits() {
        let short = |text: &str| Digest::parse(text.as_bytes()).unwrap().short();
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short("sha256:live"), "live");
        assert_eq!(short("sha256:漢字漢字漢字漢字漢字漢字漢字"), "漢字漢字漢字漢字漢字漢字");
    }
}
