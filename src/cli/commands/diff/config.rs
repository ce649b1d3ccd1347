//! Differences between how two images are run.

use std::collections::BTreeMap;

use crate::cache::ImageConfig;

/// A difference in the configs. Not safe to print.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// `entrypoint`, `command`, `working dir`, `user`, or the name of a variable.
    pub what: String,
    pub is_variable: bool,
    /// `None` if unset.
    pub old: Option<String>,
    pub new: Option<String>,
}

/// The differences; variables last, sorted by name.
pub fn changes([old, new]: [&ImageConfig; 2]) -> Vec<ConfigChange> {
    let words = |words: &[String]| (!words.is_empty()).then(|| words.join(" "));
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let fixed = [
        ("entrypoint", [old, new].map(|config| words(&config.entrypoint))),
        ("command", [old, new].map(|config| words(&config.command))),
        ("working dir", [old, new].map(|config| text(&config.working_directory))),
        ("user", [old, new].map(|config| text(&config.user))),
    ];
    let fixed = fixed.into_iter().map(|(what, [old, new])| ConfigChange {
        what: what.to_owned(),
        is_variable: false,
        old,
        new,
    });
    let [mut old, new] = [old, new].map(variables);
    let mut both: BTreeMap<_, _> =
        new.into_iter().map(|(name, value)| (name, (old.remove(name), Some(value)))).collect();
    both.extend(old.into_iter().map(|(name, value)| (name, (Some(value), None))));
    let variables = both.into_iter().map(|(name, (old, new))| ConfigChange {
        what: name.to_owned(),
        is_variable: true,
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    });
    fixed.chain(variables).filter(|change| change.old != change.new).collect()
}

/// The last value of a variable counts, as it does at run time.
fn variables(config: &ImageConfig) -> BTreeMap<&str, &str> {
    let lines = config.environment.iter();
    lines.map(|line| line.split_once('=').unwrap_or((line, ""))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_compared_by_name() {
        let config = |environment: &[&str]| {
            let environment = environment.iter().map(ToString::to_string).collect();
            ImageConfig { environment, ..ImageConfig::default() }
        };
        let [old, new] = [&["A=1", "B=2", "C=3"][..], &["D=4", "C=3", "B=0", "B=3"]].map(config);
        let found = changes([&old, &new]);
        let found: Vec<_> = found
            .iter()
            .map(|change| (&change.what[..], change.old.as_deref(), change.new.as_deref()))
            .collect();
        assert_eq!(
            found,
            [("A", Some("1"), None), ("B", Some("2"), Some("3")), ("D", None, Some("4"))]
        );
    }
}
