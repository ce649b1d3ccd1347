//! The shell around the program: environment variables, and quoting.

use std::path::PathBuf;

/// Sets the cache directory, unless the command line does.
const DIRECTORY_VARIABLE: &str = "BBOX_IMAGE_CACHE_DIR";

/// The cache directory from the environment; an empty variable counts as unset.
pub fn directory_from_environment() -> Option<PathBuf> {
    let variable = std::env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty());
    variable.map(PathBuf::from)
}

/// Whether a word needs no quoting in any shell, if it follows another word.
pub fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "/._-+=:@,%".contains(c))
}

/// Quotes a word for a shell if necessary.
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
    fn a_word_is_quoted_only_if_a_shell_would_change_it() {
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
