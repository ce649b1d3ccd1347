//! What an orphan most likely was: an older build of an image that is still referenced.
//!
//! A rebuilt image takes over the reference of its older build, and nothing on disk remembers whose
//! that was. But both are run alike. So an orphan is taken for an older build of the image that has
//! the same entrypoint, and is the most like it in all else. That is a guess, and good for nothing
//! but to be shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::ImageConfig;

/// What each of the things that are compared is worth, if they are equal.
const WHOLE: usize = 1000;
/// More variables than that do not tell images apart any better.
const MOST_VARIABLES: usize = 256;

/// The reference of the image that `orphan` most likely is an older build of: among the `live` ones
/// with its entrypoint the one that is most like it in command, environment, working directory and
/// user, each worth the same; the first by name of several. `None` if none has its entrypoint, or it
/// has none itself.
pub fn likeliest<'a>(
    orphan: &ImageConfig,
    live: impl IntoIterator<Item = (&'a str, &'a ImageConfig)>,
) -> Option<&'a str> {
    let is_possible = |config: &ImageConfig| {
        !config.entrypoint.is_empty() && config.entrypoint == orphan.entrypoint
    };
    let possible = live.into_iter().filter(|(_, config)| is_possible(config));
    let ranked = possible.map(|(name, config)| (std::cmp::Reverse(likeness(orphan, config)), name));
    ranked.min().map(|(_, name)| name)
}

fn likeness(one: &ImageConfig, other: &ImageConfig) -> usize {
    let worth = |is_equal: bool| if is_equal { WHOLE } else { 0 };
    environments(&one.environment, &other.environment)
        + worth(one.command == other.command)
        + worth(one.working_directory == other.working_directory)
        + worth(one.user == other.user)
}

/// The share of variables that are equal. One that has another value, such as a version, counts half.
fn environments(one: &[String], other: &[String]) -> usize {
    let (one, other) = (variables(one), variables(other));
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let halves = names.iter().map(|name| match (one.get(*name), other.get(*name)) {
        (Some(one), Some(other)) if one == other => 2,
        (Some(_), Some(_)) => 1,
        _ => 0,
    });
    let halves: usize = halves.sum();
    (WHOLE * halves).checked_div(2 * names.len()).unwrap_or(WHOLE)
}

fn variables(environment: &[String]) -> BTreeMap<&str, &str> {
    let entries = environment.iter().take(MOST_VARIABLES);
    entries.map(|entry| entry.split_once('=').unwrap_or((entry, ""))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words apart by spaces: entrypoint, command and environment, with slashes between those.
    fn config(text: &str) -> ImageConfig {
        let mut parts = text.split('/').map(|part| part.split_whitespace().map(str::to_owned));
        let mut part = || parts.next().into_iter().flatten().collect();
        ImageConfig {
            entrypoint: part(),
            command: part(),
            environment: part(),
            ..ImageConfig::default()
        }
    }

    #[test]
    fn an_orphan_is_like_what_is_run_alike() {
        for (orphan, live, expected) in [
            ("claude", &["codex", "claude"][..], Some(1)),
            ("claude", &["codex", "claude -p"], None),
            ("claude", &[], None),
            ("", &["", "claude"], None),
            ("a/serve", &["a/run", "a/serve"], Some(1)),
            // Another version of the same is closer than what has less in common.
            ("a//V=1 X=1", &["a//X=1", "a//V=2 X=1"], Some(1)),
            ("a//V=1 X=1", &["a//V=2 X=1", "a//V=1 X=1"], Some(1)),
            ("a//X=1", &["a//A=1 B=2 C=3 D=4 X=1", "a//X=2"], Some(1)),
            ("a//PATH", &["a//", "a//PATH"], Some(1)),
            ("a/c/X=1", &["a/d/X=2", "a/c/Y=1"], Some(1)),
            // Of two that are equally like it, the first by name.
            ("a", &["a", "a"], Some(0)),
            ("a/c", &["a", "a"], Some(0)),
        ] {
            let names: Vec<_> = (0..live.len()).map(|number| format!("image-{number}")).collect();
            let live: Vec<_> = live.iter().map(|text| config(text)).collect();
            let pairs = || names.iter().map(String::as_str).zip(&live);
            let found = likeliest(&config(orphan), pairs());
            assert_eq!(found, expected.map(|number| names[number].as_str()), "{orphan}");
            let backward = pairs().collect::<Vec<_>>().into_iter().rev();
            assert_eq!(likeliest(&config(orphan), backward), found, "{orphan}");
        }
    }

    #[test]
    fn user_and_working_directory_count_as_well() {
        let orphan = ImageConfig { user: "agent".into(), ..config("a") };
        let root = ImageConfig { working_directory: "/work".into(), ..config("a") };
        let agent = ImageConfig { working_directory: "/work".into(), ..orphan.clone() };
        assert_eq!(likeliest(&orphan, [("1", &root), ("2", &agent)]), Some("2"));
        let here = ImageConfig { working_directory: "/work".into(), ..orphan.clone() };
        assert_eq!(likeliest(&here, [("1", &orphan), ("2", &agent)]), Some("2"));
    }
}
