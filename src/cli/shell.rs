//! The shell around the program: its environment, and words as it takes them.

use std::path::PathBuf;

/// Names the cache directory, unless the command line does.
const DIRECTORY_VARIABLE: &str = "BBOX_IMAGE_CACHE_DIR";

/// The cache directory that the environment names; an empty variable is none.
pub fn directory_from_environment() -> Option<PathBuf> {
    let variable = std::env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty());
    variable.map(PathBuf::from)
}

/// Whether a word means itself in every shell, wherever it stands after another one.
pub fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "/._-+=:@,%".contains(c))
}

/// A word as it can be typed in a shell.
pub fn shell_word(word: &str) -> String {
    if !word.is_empty() && is_plain(word) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_split_change_or_lose_it() {
        for (word, typed) in [
            ("/home/me/.cache/broodbox/images", "/home/me/.cache/broodbox/images"),
            ("/mnt/big disk", "'/mnt/big disk'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), typed);
        }
    }
}
