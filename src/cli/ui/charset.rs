//! ASCII replacements for terminals that cannot show other characters.

/// Whether the locale uses UTF-8. The first locale variable that is set decides; if none is, the
/// locale is C.
pub fn is_utf8(variable: impl Fn(&'static str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = names.filter_map(variable).find(|value| !value.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Replaces every character that this program draws with ASCII of the same width.
pub fn to_ascii(text: &str) -> String {
    text.chars().map(ascii).collect()
}

fn ascii(drawn: char) -> char {
    match drawn {
        '…' => '~',
        '–' | '─' => '-',
        '█' | '▉' | '▊' | '▋' => '#',
        '▌' | '▍' | '▎' | '▏' => '.',
        '│' | '├' => '|',
        '└' => '`',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        for (variables, expected) in [
            (&[][..], false),
            (&[("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "UTF-8")], true),
        ] {
            let found = |name| {
                let mut found = variables.iter().filter(|(known, _)| *known == name);
                found.next().map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_utf8(found), expected, "{variables:?}");
        }
    }

    #[test]
    fn only_drawing_characters_are_replaced() {
        assert_eq!(to_ascii("├─ …/漢字 12.0–14.5 MiB ██▍"), "|- ~/漢字 12.0-14.5 MiB ##.");
    }
}
