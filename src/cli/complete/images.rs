//! Completion candidates for words of the command line: images of the cache, and commands to run.

use std::collections::HashMap;
use std::ffi::OsStr;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};

use super::line::{self, DASHES};
use crate::cache::{Cache, Digest, Inventory, default_directory};
use crate::cli::shell::{directory_from_environment, is_plain};

/// Completes images. Add this to every argument that takes an image: `#[arg(add = images())]`.
pub fn images() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| word.to_str().and_then(find).unwrap_or_default())
}

/// Completes a command with its arguments, which must follow `--`.
pub fn command() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| {
        if line::has_dashes(line::typed()) {
            PathCompleter::any().complete(word)
        } else {
            vec![CompletionCandidate::new(DASHES)]
        }
    })
}

fn find(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let named = line::cache_dir(line::typed()).or_else(directory_from_environment);
    let cache = Cache::open(named.or_else(default_directory)?).ok()??;
    Some(candidates(&cache.inventory_now().ok()?, typed))
}

/// References that start with the typed text, then digests. If nothing has been typed yet, only the
/// digests of images without a reference. Names in a cache may contain anything, so only those with
/// the usual characters of a reference or digest are offered to a shell.
fn candidates(inventory: &Inventory, typed: &str) -> Vec<CompletionCandidate> {
    let mut names: HashMap<&Digest, Vec<&str>> = HashMap::new();
    for found in &inventory.refs.refs {
        let name = found.image.as_deref().filter(|name| is_name(name));
        names.entry(&found.digest).or_default().extend(name);
    }
    let names_of = |digest: &Digest| names.get(digest).map_or(&[][..], Vec::as_slice);
    let images: Vec<_> = inventory.images().map(|(_, digest)| digest).collect();
    let named =
        images.iter().flat_map(|digest| names_of(digest).iter().map(|name| (*name, *digest)));
    let mut named: Vec<_> = named.filter(|(name, _)| name.starts_with(typed)).collect();
    named.sort();
    named.dedup_by_key(|(name, _)| *name);
    let wanted = |digest: &Digest| !typed.is_empty() || names_of(digest).is_empty();
    let digests = images.iter().filter(|digest| wanted(digest)).filter_map(|digest| {
        let help = names_of(digest).first().unwrap_or(&"no reference");
        Some((spelled(digest, typed)?, (*help).to_owned()))
    });
    let named = named.into_iter().map(|(name, digest)| (name.to_owned(), digest.short()));
    let candidate =
        |(value, help): (String, String)| CompletionCandidate::new(value).help(Some(help.into()));
    named.chain(digests).map(candidate).collect()
}

/// The shortest form of a digest that starts with the typed text.
fn spelled(digest: &Digest, typed: &str) -> Option<String> {
    let text = digest.to_text();
    let (algorithm, _) = text.split_once(':')?;
    let forms = [format!("{algorithm}:{}", digest.short()), text.clone()];
    let digits =
        forms.each_ref().map(|form| form.split_once(':').map(|(_, digits)| digits.to_owned()));
    let mut forms = forms.into_iter().chain(digits.into_iter().flatten());
    forms.find(|form| form.starts_with(typed)).filter(|form| is_name(form))
}

/// Whether a text looks like a reference or digest: it has no characters that are special to a
/// shell, and is not mistaken for an option.
fn is_name(text: &str) -> bool {
    let is_whole = text.starts_with(char::is_alphanumeric) && !text.ends_with('/');
    text.is_ascii() && is_whole && is_plain(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_cache::TestCache;

    fn offered(cache: &TestCache, typed: &str) -> Vec<String> {
        let inventory = Cache::open(cache.dir()).unwrap().unwrap().inventory_now().unwrap();
        let found = candidates(&inventory, typed).into_iter();
        found.map(|one| one.get_value().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn references_and_digests_are_offered_by_their_beginning() {
        let cache = TestCache::new();
        let (long, other) = ("0123456789abcdef", "01234fff");
        cache.image(long);
        cache.image(other);
        cache.tag("ghcr.io/a/b:latest", long);
        cache.tag("ghcr.io/a/c@sha256:12", long);
        cache.tag("example.com/gone:1", "gone");
        cache.raw_ref("old-form", format!("sha256:{other}\n"));
        for (typed, expected) in [
            ("", &["ghcr.io/a/b:latest", "ghcr.io/a/c@sha256:12", "sha256:01234fff"][..]),
            ("ghcr.io/a/b:", &["ghcr.io/a/b:latest"]),
            ("sha", &["sha256:0123456789ab", "sha256:01234fff"]),
            ("sha256:012345", &["sha256:0123456789ab"]),
            ("sha256:0123456789abc", &["sha256:0123456789abcdef"]),
            ("012345", &["0123456789ab"]),
            ("0123456789abc", &["0123456789abcdef"]),
            ("example", &[]),
            ("x", &[]),
        ] {
            assert_eq!(offered(&cache, typed), expected, "{typed}");
        }
    }

    #[test]
    fn nothing_special_to_a_shell_is_offered() {
        let cache = TestCache::new();
        let hostile = [
            "two words",
            "a'b",
            "a\"b",
            "$(reboot)",
            "a`b`",
            "a;b",
            "a&b",
            "a|b",
            "a>b",
            "a*",
            "a?",
            "a[b]",
            "a{b,c}",
            "~a",
            "a~",
            "a#b",
            "#a",
            "a!b",
            "!!",
            "a\\b",
            "a\rb",
            "a\x1b[2J",
            "a\u{202e}b",
            "größe",
            "--force",
            "-n",
            "=ls",
            "a(b)",
            "a^b",
            "a$b",
        ];
        for (number, name) in hostile.iter().enumerate() {
            cache.image(&format!("image{number}"));
            cache.raw_ref(&number.to_string(), format!("{name}\tsha256:image{number}\n"));
        }
        for name in ["$(reboot)", "two words", "new\nline"] {
            cache.image(name);
        }
        assert_eq!(offered(&cache, "").len(), hostile.len(), "all of them by their digests");
        assert!(offered(&cache, "").iter().all(|one| one.starts_with("sha256:image")));
        for name in hostile {
            assert_eq!(offered(&cache, &name[..1]), Vec::<String>::new(), "{name}");
        }
    }
}
