//! What an orphan most likely was: an older build of an image that is still referenced.
//!
//! A rebuilt image takes over the reference of its older build, and nothing on disk remembers whose
//! that was. But both are run alike. So an orphan is taken for an older build of the image that has
//! the same entrypoint, and is the most like it in all else. That is a guess, and good for nothing
//! but to be shown.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use crate::cache::ImageConfig;

/// What each of the things that are compared is worth, if they are equal.
const WHOLE: usize = 1000;
/// More variables than that do not tell images apart any better.
const MOST_VARIABLES: usize = 256;

/// How the images are run that are still referenced, with a reference for each way.
#[derive(Debug)]
pub struct OlderBuild<'a>(Vec<(&'a str, Profile<'a>)>);

impl<'a> OlderBuild<'a> {
    /// To these images.
    pub fn new(live: impl IntoIterator<Item = (&'a str, &'a ImageConfig)>) -> Self {
        // Many images are run alike, and each of them would be compared with each orphan.
        let mut names = HashMap::new();
        for (name, config) in live {
            let first = names.entry(config).or_insert(name);
            *first = name.min(first);
        }
        Self(names.into_iter().map(|(config, name)| (name, Profile::new(config))).collect())
    }

    /// The reference of the image that `orphan` most likely is an older build of: among those with
    /// its entrypoint the one that is most like it in command, environment, working directory and
    /// user, each worth the same; the first by name of several. `None` if none has its entrypoint, or
    /// it has none itself.
    pub fn likeliest(&self, orphan: &ImageConfig) -> Option<&'a str> {
        if orphan.entrypoint.is_empty() {
            return None;
        }
        let orphan = Profile::new(orphan);
        let entrypoint = &orphan.config.entrypoint;
        let possible = self.0.iter().filter(|(_, live)| live.config.entrypoint == *entrypoint);
        let ranked = possible.map(|(name, live)| (Reverse(orphan.likeness(live)), *name));
        ranked.min().map(|(_, name)| name)
    }
}

/// A config made ready to be compared with many others.
#[derive(Debug)]
struct Profile<'a> {
    config: &'a ImageConfig,
    /// Names and values, sorted.
    variables: Vec<(&'a str, &'a str)>,
}

impl<'a> Profile<'a> {
    fn new(config: &'a ImageConfig) -> Self {
        let entries = config.environment.iter().take(MOST_VARIABLES);
        let variables = entries.map(|entry| entry.split_once('=').unwrap_or((entry, "")));
        let mut variables: Vec<_> = variables.collect();
        variables.sort_unstable();
        variables.dedup_by_key(|(name, _)| *name);
        Self { config, variables }
    }

    fn likeness(&self, other: &Self) -> usize {
        let worth = |is_equal: bool| if is_equal { WHOLE } else { 0 };
        let (one, two) = (self.config, other.config);
        environments(&self.variables, &other.variables)
            + worth(one.command == two.command)
            + worth(one.working_directory == two.working_directory)
            + worth(one.user == two.user)
    }
}

/// The share of variables that are equal. One that has another value, such as a version, counts half.
fn environments(mut one: &[(&str, &str)], mut other: &[(&str, &str)]) -> usize {
    let (mut names, mut halves) = (0, 0);
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        match first.0.cmp(second.0) {
            Ordering::Less => one = rest,
            Ordering::Greater => other = others,
            Ordering::Equal => {
                halves += if first.1 == second.1 { 2 } else { 1 };
                (one, other) = (rest, others);
            }
        }
        names += 1;
    }
    names += one.len() + other.len();
    (WHOLE * halves).checked_div(2 * names).unwrap_or(WHOLE)
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
            let found = OlderBuild::new(pairs()).likeliest(&config(orphan));
            assert_eq!(found, expected.map(|number| names[number].as_str()), "{orphan}");
            let backward = OlderBuild::new(pairs().collect::<Vec<_>>().into_iter().rev());
            assert_eq!(backward.likeliest(&config(orphan)), found, "{orphan}");
        }
    }

    #[test]
    fn the_share_of_equal_variables_is_told_whatever_their_order() {
        for (one, other, share) in [
            ("", "", 1000),
            ("A=1", "", 0),
            ("A=1", "A=1", 1000),
            ("A=1", "A=2", 500),
            ("A=1 B=1", "B=1 A=1", 1000),
            ("A=1 B=1 C=1", "C=1 D=1", 250),
            ("A B=", "A= B", 1000),
            ("A=1 A=2", "A=1", 1000),
        ] {
            let [one, other] = [one, other].map(|text| config(&format!("a//{text}")));
            let [one, other] = [Profile::new(&one), Profile::new(&other)];
            for (one, other) in [(&one, &other), (&other, &one)] {
                assert_eq!(environments(&one.variables, &other.variables), share, "{one:?}");
            }
        }
    }

    #[test]
    fn user_and_working_directory_count_as_well() {
        let orphan = ImageConfig { user: "agent".into(), ..config("a") };
        let root = ImageConfig { working_directory: "/work".into(), ..config("a") };
        let agent = ImageConfig { working_directory: "/work".into(), ..orphan.clone() };
        assert_eq!(OlderBuild::new([("1", &root), ("2", &agent)]).likeliest(&orphan), Some("2"));
        let here = ImageConfig { working_directory: "/work".into(), ..orphan.clone() };
        assert_eq!(OlderBuild::new([("1", &orphan), ("2", &agent)]).likeliest(&here), Some("2"));
        // Each counts by itself, whatever the others say.
        let orphan = ImageConfig { working_directory: "/work".into(), ..config("a/c") };
        let (other, same) = (config("a/d"), config("a/c"));
        assert_eq!(OlderBuild::new([("1", &other), ("2", &same)]).likeliest(&orphan), Some("2"));
    }
}
