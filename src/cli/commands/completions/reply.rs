//! Completion candidates in the format of each shell, one per line.

use clap_complete::engine::CompletionCandidate;

use crate::cli::complete::line::DASHES;
use crate::cli::shell::is_plain;
use crate::escape::is_hostile;

/// The candidates for the last word, most likely first.
pub struct Reply(Vec<Candidate>);

struct Candidate {
    /// The whole word.
    value: String,
    /// A short description; may be empty.
    help: String,
}

impl Reply {
    /// Offers options only if the word starts like one, or if there is nothing else.
    pub fn new(found: Vec<CompletionCandidate>, current: &str) -> Self {
        let found: Vec<_> = found.iter().filter_map(Candidate::new).collect();
        let is_option = |one: &Candidate| one.value.starts_with('-') && one.value != DASHES;
        let has_other = current.is_empty() && found.iter().any(|one| !is_option(one));
        Self(found.into_iter().filter(|one| !has_other || !is_option(one)).collect())
    }

    /// Bash inserts a reply unchanged, and replaces only `replaced`, the part of the word after the
    /// last separator (`:` is one). If any word needs quoting, there is no reply: bash then
    /// completes file names, and quotes those itself.
    pub fn for_bash(&self, current: &str, replaced: &str) -> String {
        let kept = current.strip_suffix(replaced).unwrap_or_default();
        let values = self.0.iter().map(|candidate| candidate.value.as_str());
        let parts = values.map(|value| value.strip_prefix(kept).filter(|_| is_plain(value)));
        let lines: Option<String> =
            parts.map(|part| part.map(|part| format!("{part}\n"))).collect();
        lines.unwrap_or_default()
    }

    /// Zsh quotes the words itself. A colon separates a value from its description.
    pub fn for_zsh(&self) -> String {
        let escaped = |text: &str| text.replace('\\', r"\\").replace(':', r"\:");
        let help = |one: &Candidate| {
            if one.help.is_empty() { String::new() } else { format!(":{}", escaped(&one.help)) }
        };
        self.0.iter().map(|one| format!("{}{}\n", escaped(&one.value), help(one))).collect()
    }

    /// Fish quotes the words itself.
    pub fn for_fish(&self) -> String {
        self.0.iter().map(|one| format!("{}\t{}\n", one.value, one.help)).collect()
    }
}

impl Candidate {
    /// `None` for the name of a file or directory that would not fit on one line.
    fn new(found: &CompletionCandidate) -> Option<Self> {
        let value = found.get_value().to_str().filter(|value| !value.contains(is_hostile))?;
        let help = found.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().replace(is_hostile, " ");
        Some(Self { value: value.to_owned(), help })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(values: &[&str], current: &str) -> Reply {
        Reply::new(values.iter().map(CompletionCandidate::new).collect(), current)
    }

    #[test]
    fn bash_gets_a_replacement_for_the_right_part() {
        for (values, current, replaced, expected) in [
            (&["sha256:ab", "sha256:ac"][..], "sha256:a", "a", "ab\nac\n"),
            (&["sha256:ab"], "sha256:", "", "ab\n"),
            (&["sha256:ab"], "sha256:a", "sha256:a", "sha256:ab\n"),
            (&["a.b/c:latest"], "a.b", "a.b", "a.b/c:latest\n"),
            (&["--sort=used"], "--sort=u", "u", "used\n"),
            (&["my dir/", "mydir/"], "my", "my", ""),
            (&["$(reboot)/"], "", "", ""),
            (&["*/"], "", "", ""),
            (&[], "x", "x", ""),
        ] {
            assert_eq!(reply(values, current).for_bash(current, replaced), expected, "{values:?}");
        }
    }

    #[test]
    fn options_are_offered_after_a_dash_or_if_there_is_nothing_else() {
        let values = |values, current| reply(values, current).for_fish();
        assert_eq!(values(&["--help", "list"], ""), "list\t\n");
        assert_eq!(values(&["--help"], ""), "--help\t\n");
        assert_eq!(values(&["--help"], "-"), "--help\t\n");
        assert_eq!(values(&["--", "--help"], ""), "--\t\n");
    }

    #[test]
    fn each_candidate_is_one_line_whatever_its_name() {
        assert_eq!(reply(&["a\nb", "a\x1b[2J", "c"], "").for_fish(), "c\t\n");
        let help = CompletionCandidate::new("a:b\\").help(Some("no: 1\ttab\nmore".into()));
        let reply = Reply::new(vec![help], "");
        assert_eq!(reply.for_zsh(), "a\\:b\\\\:no\\: 1 tab\n");
        assert_eq!(reply.for_fish(), "a:b\\\tno: 1 tab\n");
    }
}
