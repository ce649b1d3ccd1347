//! JSON that a terminal may see.

use serde::Serialize;

use crate::escape::is_hostile;

/// One document, with a line break at its end.
///
/// JSON itself escapes only the oldest control characters. The other ones can be escaped
/// afterwards without a look at the structure: outside of strings everything is ASCII.
pub fn document(value: &impl Serialize) -> String {
    let plain = serde_json::to_string_pretty(value).expect("our documents have no odd keys");
    let mut text = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        match is_hostile(c) && c != '\n' {
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => text.push(c),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_left_and_nothing_is_lost() {
        let hostile = "a\x1b[31m\u{9b}31m\u{202e}\u{e0001}\u{7f}漢\n\"\\";
        let text = document(&[hostile]);
        assert!(!text.chars().any(|c| is_hostile(c) && c != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [hostile]);
    }
}
