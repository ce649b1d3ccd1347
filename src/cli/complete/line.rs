//! Splits a command line that is being typed into words. Nothing in it is evaluated.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Ends the options.
pub const DASHES: &str = "--";
const CACHE_DIR: &str = "--cache-dir";

/// The words typed so far. The completion engine passes a completer only the word to complete.
static TYPED: OnceLock<Vec<OsString>> = OnceLock::new();

/// Stores the words for the completers. Called once.
pub fn keep(words: &[OsString]) {
    TYPED.get_or_init(|| words.to_vec());
}

/// The stored words.
pub fn typed() -> &'static [OsString] {
    TYPED.get().map_or(&[], Vec::as_slice)
}

/// The words of a line, without quotes. The last one is the word being typed, empty after a space.
/// A quote may still be open.
pub fn words(line: &[u8]) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (None, b' ' | b'\t' | b'\n') => words.extend(word.take()),
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (Some(open), _) if byte == open => quote = None,
            (None, b'\\') => word.get_or_insert_default().extend(bytes.next()),
            (Some(b'"'), b'\\') if bytes.peek().is_some_and(|next| b"\"\\$`".contains(next)) => {
                word.get_or_insert_default().extend(bytes.next());
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.push(word.unwrap_or_default());
    words.into_iter().map(OsString::from_vec).collect()
}

/// A single word without quotes.
pub fn unquoted(word: &[u8]) -> OsString {
    words(word).pop().unwrap_or_default()
}

/// The directory set by the option among the words before the last one.
pub fn cache_dir(words: &[OsString]) -> Option<PathBuf> {
    let options = words.split(|word| word == DASHES).next()?;
    let mut named = options.iter().enumerate().filter_map(|(index, word)| {
        let rest = word.as_bytes().strip_prefix(CACHE_DIR.as_bytes())?;
        match rest {
            [] => options.get(index + 1).map(OsString::as_os_str),
            [b'=', value @ ..] => Some(OsStr::from_bytes(value)),
            _ => None,
        }
    });
    named.next_back().map(|directory| with_home(Path::new(directory)))
}

/// Whether the options ended before the last word.
pub fn has_dashes(words: &[OsString]) -> bool {
    words.split_last().is_some_and(|(_, before)| before.iter().any(|word| word == DASHES))
}

/// Expands `~`: a shell does that only when it runs the line.
fn with_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_into_words_as_in_a_shell() {
        for (line, expected) in [
            ("", &[""][..]),
            ("bbox", &["bbox"]),
            ("bbox  cache\tlease ", &["bbox", "cache", "lease", ""]),
            ("a sha256:ab", &["a", "sha256:ab"]),
            (r"a my\ dir x\", &["a", "my dir", "x"]),
            ("a 'my dir' \"it's\" ''b", &["a", "my dir", "it's", "b"]),
            ("a '' b", &["a", "", "b"]),
            (r#"a "b\"c\d" 'e\"#, &["a", r#"b"c\d"#, r"e\"]),
            ("a \"open x", &["a", "open x"]),
            ("a $(reboot) `x`", &["a", "$(reboot)", "`x`"]),
        ] {
            assert_eq!(words(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn the_line_tells_which_cache_is_meant() {
        for (line, expected) in [
            ("b lease x", None),
            ("b --cache-dir /a lease x", Some("/a")),
            ("b --cache-dir=/a lease x", Some("/a")),
            ("b lease --cache-dir /a --cache-dir '/b c' x", Some("/b c")),
            ("b lease --cache-dirt /a x", None),
            ("b lease x -- tar --cache-dir /a", None),
            ("b lease --cache-dir", None),
        ] {
            assert_eq!(cache_dir(&words(line.as_bytes())), expected.map(PathBuf::from), "{line}");
        }
        let below_home = std::env::home_dir().map(|home| home.join("x"));
        assert_eq!(cache_dir(&words(b"b --cache-dir ~/x lease y")), below_home);
    }
}
