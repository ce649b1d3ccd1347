//! Paths in a list with one per line. The kernel writes a newline in a path as `\012` and escapes
//! nothing else.

/// Escapes a path as in a list.
pub fn escape(path: &[u8]) -> Vec<u8> {
    path.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b"\\012"[..])
}

/// The path behind an escaped one, unless its name really contains `\012`.
pub fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(text.len());
    while let Some(found) = memchr::memmem::find(text, b"\\012") {
        path.extend_from_slice(&text[..found]);
        path.push(b'\n');
        text = &text[found + 4..];
    }
    path.extend_from_slice(text);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_mappings_escapes_only_newlines() {
        let path = b"/a\nb/c\\d e\n";
        assert_eq!(escape(path), b"/a\\012b/c\\d e\\012");
        assert_eq!(unescape(&escape(path)), path);
    }
}
