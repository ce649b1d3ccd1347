//! Characters that are drawn, for terminals that show only ASCII.

/// Whether the locale says that text is UTF-8: the first of its variables that is set decides, and a
/// system without any has the locale C.
pub fn is_utf8(variable: impl Fn(&'static str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = names.filter_map(variable).find(|value| !value.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Replaces everything that this program draws by ASCII, column by column.
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
    fn only_what_is_drawn_is_replaced() {
        assert_eq!(to_ascii("├─ …/漢字 12.0–14.5 MiB ██▍"), "|- ~/漢字 12.0-14.5 MiB ##.");
    }
}
