//! Names made safe to print.
//!
//! File names in an image come from its builder, and a ref file contains what a registry answered.
//! Terminals obey control characters, so a file called `\x1b]0;…` could rewrite the screen, and
//! bidirectional marks could make one name look like another. [`Escaped`] prints these characters as
//! text and leaves the rest of the name unchanged.

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter, Write};
use std::os::unix::ffi::OsStrExt;

/// Prints bytes on one line: control and format characters as `\n` or `\u{1b}`, invalid UTF-8 as
/// `\xff`.
///
/// ```
/// # use bbox_cache::Escaped;
/// let name = "usr/bin/\u{1b}[2Jls";
/// assert_eq!(Escaped::new(name).to_string(), r"usr/bin/\u{1b}[2Jls");
/// ```
pub struct Escaped<'a>(&'a [u8]);

impl<'a> Escaped<'a> {
    /// Wraps a path or name.
    pub fn new(text: &'a (impl AsRef<OsStr> + ?Sized)) -> Self {
        Self(text.as_ref().as_bytes())
    }
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_hostile(c) { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a terminal might act on this character instead of showing it: C0 and C1 controls, and
/// marks that change the direction or width of the text after them.
pub fn is_hostile(c: char) -> bool {
    let format = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_printed_as_text() {
        for (name, shown) in [
            (&b"ghcr.io/a/b:latest"[..], "ghcr.io/a/b:latest"),
            (b"two\nlines", "two\\nlines"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            (b"\xc2\x9b31m", "\\u{9b}31m"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
            (b"bad\xffbyte", "bad\\xffbyte"),
            ("größe 漢字".as_bytes(), "größe 漢字"),
        ] {
            assert_eq!(Escaped::new(OsStr::from_bytes(name)).to_string(), shown);
        }
    }
}
