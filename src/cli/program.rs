//! The two names of the program, and the command line of each.
//!
//! On a machine where `bbox` is the agent runner, this program cannot use that name as well. So it
//! has two: `bbox`, with its commands after the word `cache`, and `bbox-cache`, with the same
//! commands directly. Commands in texts are written once, as for `bbox`, and adapted to the program
//! that runs.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args, Command, CommandFactory, Error, FromArgMatches, Parser, Subcommand};

use super::args::{Completions, Man, Shared, Verb};
use super::ui::theme::HELP;

/// Which of the two programs runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `bbox`.
    Bbox,
    /// `bbox-cache`.
    BboxCache,
}

/// A parsed command line.
pub struct Order {
    pub shared: Shared,
    pub task: Task,
}

/// The task of a command line.
#[derive(Subcommand)]
pub enum Task {
    #[command(flatten)]
    Verb(Verb),
    #[command(flatten)]
    Setup(Setup),
}

/// Commands that need no cache.
#[derive(Subcommand)]
pub enum Setup {
    /// Generate a shell completion script
    Completions(Completions),
    /// Write the manual pages
    Man(Man),
}

/// Inspect and clean up Brood Box's image cache
#[derive(Parser)]
#[command(name = "bbox", version, propagate_version = true, max_term_width = 80, after_help = EXAMPLES, styles = HELP)]
struct Bbox {
    #[command(subcommand)]
    command: BboxCommand,
}

#[derive(Subcommand)]
enum BboxCommand {
    /// Inspect and clean up the image cache
    #[command(after_help = EXAMPLES)]
    Cache(CacheArguments),
    #[command(flatten)]
    Setup(Setup),
}

#[derive(Args)]
struct CacheArguments {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

/// Inspect and clean up Brood Box's image cache
#[derive(Parser)]
#[command(name = "bbox-cache", version, propagate_version = true, max_term_width = 80, after_help = EXAMPLES, styles = HELP)]
struct BboxCache {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    task: Task,
}

/// The minimum similarity for a suggestion: the same as the parser uses for its own.
const ALIKE: f64 = 0.7;

const EXAMPLES: &str = "\
Examples:
  bbox cache list           what is in the cache, and how big it is
  bbox cache gc --dry-run   what a gc would remove
  bbox cache gc             remove unneeded items
  bbox cache help gc        all about one command

An image is an extracted tree, named by its digest. A reference such as
ghcr.io/a/b:latest points at an image. An image without a reference, such as an
older build that a pull has replaced, is an orphan: gc removes it.";

/// The shared options, as shown by `-h`.
const SHARED: &str = "\
Options of every command (see --help):
  --cache-dir DIR, --vm-dir DIR, -j N, --json, --color WHEN, --no-progress, -q, -v";

/// Commands of other tools, with their equivalents here.
const SYNONYMS: [(&str, &str); 14] = [
    ("clean", "gc"),
    ("cleanup", "gc"),
    ("clear", "purge"),
    ("delete", "rm"),
    ("del", "rm"),
    ("remove", "rm"),
    ("rmi", "rm"),
    ("inspect", "show"),
    ("info", "show"),
    ("du", "list --sizes"),
    ("size", "list --sizes"),
    ("images", "list"),
    ("path", "dir"),
    ("run", "lease"),
];

/// Options of other tools, with their equivalents here.
const OPTIONS: [(&str, &str); 6] = [
    ("--older-than", "--unused-for"),
    ("--until", "--unused-for"),
    ("--filter", "--unused-for"),
    ("--force", "--yes"),
    ("-f", "--yes"),
    ("--keep-storage", "--max-size"),
];

impl Program {
    /// The name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bbox => "bbox",
            Self::BboxCache => "bbox-cache",
        }
    }

    /// The words before a command for the cache.
    pub fn cache_words(self) -> &'static str {
        match self {
            Self::Bbox => "bbox cache",
            Self::BboxCache => "bbox-cache",
        }
    }

    /// Whether a first word is a command or option of this program.
    pub fn knows(self, word: &str) -> bool {
        ["help", "-h", "--help", "-V", "--version"].contains(&word)
            || self.command().find_subcommand(word).is_some()
    }

    /// Adapts a command line written for `bbox` to this program.
    fn in_own_words(self, text: &str) -> String {
        let text = text.replace(Self::Bbox.cache_words(), self.cache_words());
        ["completions", "man"].iter().fold(text, |text, setup| {
            text.replace(&format!("bbox {setup}"), &format!("{} {setup}", self.name()))
        })
    }

    /// The whole command line, with the examples adapted to this program.
    pub fn command(self) -> Command {
        self.with_own_words(match self {
            Self::Bbox => Bbox::command(),
            Self::BboxCache => BboxCache::command(),
        })
    }

    fn with_own_words(self, command: Command) -> Command {
        let command = command.mut_subcommands(|command| self.with_own_words(command));
        let help = command.get_after_help().map(|help| self.in_own_words(&help.to_string()));
        let Some(help) = help else { return command };
        // Commands that need no cache do not have the shared options.
        if Setup::has_subcommand(command.get_name()) || command.get_name() == "bbox" {
            return command.after_help(help);
        }
        command.after_help(format!("{SHARED}\n\n{help}")).after_long_help(help)
    }

    /// Parses a command line that starts with the name of the program.
    pub fn parse(self, line: &[OsString]) -> Result<Order, Error> {
        let mut command = self.command();
        let matches = command.try_get_matches_from_mut(line);
        let order = matches.and_then(|matches| self.order(&matches));
        order.map_err(|error| self.with_tip(error.format(&mut command), line))
    }

    fn order(self, matches: &ArgMatches) -> Result<Order, Error> {
        Ok(match self {
            Self::Bbox => match Bbox::from_arg_matches(matches)?.command {
                BboxCommand::Cache(CacheArguments { shared, verb }) => {
                    Order { shared, task: Task::Verb(verb) }
                }
                BboxCommand::Setup(setup) => {
                    Order { shared: Shared::default(), task: Task::Setup(setup) }
                }
            },
            Self::BboxCache => {
                let BboxCache { shared, task } = BboxCache::from_arg_matches(matches)?;
                Order { shared, task }
            }
        })
    }

    /// Adds a suggestion to an error: words of other tools, and the word `cache` missing or
    /// superfluous.
    fn with_tip(self, mut error: Error, line: &[OsString]) -> Error {
        if let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg)
            && error.kind() == ErrorKind::UnknownArgument
            && let Some((_, ours)) = OPTIONS.iter().find(|(theirs, _)| theirs == option)
            && has_option(line, ours)
        {
            error.remove(ContextKind::SuggestedArg);
            return with_tips(error, format!("try '{ours}'"));
        }
        let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
            return error;
        };
        let synonym = SYNONYMS.iter().find(|(theirs, _)| theirs == word);
        if let Some((_, ours)) = synonym {
            let tip = format!("try '{} {ours}'", self.cache_words());
            error.remove(ContextKind::SuggestedSubcommand);
            return with_tips(error, tip);
        }
        let has_tip = error.get(ContextKind::SuggestedSubcommand).is_some();
        let tip = match self {
            Self::Bbox if Setup::has_subcommand(word) => format!("try 'bbox {word}'"),
            Self::Bbox if !has_tip => match verb_like(word) {
                Some(verb) => format!("try 'bbox cache {verb}'"),
                None => NO_RUNNER.to_owned(),
            },
            Self::BboxCache if word == "cache" => {
                "leave out 'cache': 'bbox-cache list' is 'bbox cache list'".to_owned()
            }
            _ => return error,
        };
        with_tips(error, tip)
    }
}

fn with_tips(mut error: Error, tip: String) -> Error {
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// The message for users who expected the agent runner.
const NO_RUNNER: &str = "this bbox is the image cache tool, and there is no other bbox in PATH; \
                         install Brood Box, or run it by its path";

/// Whether a first word is a typo of one of the program's own: one letter off, or two in a long
/// word.
pub fn is_slip_of(program: Program, word: &str) -> bool {
    let word = word.to_lowercase();
    let command = program.command();
    let mut names = command.get_subcommands().map(Command::get_name).chain(["help"]);
    names.any(|name| {
        let most = if name.len() > 4 { 2 } else { 1 };
        strsim::damerau_levenshtein(name, &word) <= most
    })
}

/// Whether a command line, even an invalid one, is for `lease`.
pub fn is_lease(line: &[OsString]) -> bool {
    verb_of(line) == Some("lease")
}

/// The verb of a command line, even an invalid one.
fn verb_of(line: &[OsString]) -> Option<&str> {
    line.iter().skip(1).filter_map(|word| word.to_str()).find(|word| is_verb(word))
}

/// Whether the verb of a command line has this long option.
fn has_option(line: &[OsString], option: &str) -> bool {
    let verbs = verbs();
    let verb = verb_of(line).and_then(|verb| verbs.find_subcommand(verb));
    let long = option.trim_start_matches("--");
    verb.is_some_and(|verb| verb.get_arguments().any(|known| known.get_long() == Some(long)))
}

fn is_verb(word: &str) -> bool {
    verbs().find_subcommand(word).is_some()
}

fn verbs() -> Command {
    Verb::augment_subcommands(Command::new("cache"))
}

/// The verb that a word most likely means: the verb itself, an alias of it, or a typo.
fn verb_like(word: &str) -> Option<String> {
    if is_verb(word) {
        return Some(word.to_owned());
    }
    let verbs = verbs();
    let names = verbs.get_subcommands().map(Command::get_name);
    let alike =
        names.map(|name| (strsim::jaro(name, word), name)).filter(|(alike, _)| *alike > ALIKE);
    let (_, name) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Program; 2] = [Program::Bbox, Program::BboxCache];

    /// Calls `with` for every command of a tree from the top, except `help`, which lists the
    /// others.
    fn for_each(command: &mut Command, with: &mut impl FnMut(&mut Command)) {
        with(command);
        let subcommands = command.get_subcommands_mut();
        for subcommand in subcommands.filter(|command| command.get_name() != "help") {
            for_each(subcommand, with);
        }
    }

    /// The commands in the examples of a help text.
    fn examples(help: &str) -> impl Iterator<Item = &str> {
        let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        let lines = lines.take_while(|line| !line.is_empty());
        lines.map(|line| line.trim().split("   ").next().unwrap_or_default())
    }

    #[test]
    fn each_help_fits_a_narrow_terminal_and_has_valid_examples() {
        for program in BOTH {
            let mut command = program.command();
            command.build();
            let mut seen = 0;
            for_each(&mut command, &mut |command| {
                let help = command.render_help().to_string();
                assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
                assert!(examples(&help).next().is_some(), "{help}");
                for example in examples(&help) {
                    let start = example.find(&format!("{} ", program.name()));
                    let typed = &example[start.unwrap_or_else(|| panic!("{example}"))..];
                    let typed = typed.split(['|', ')']).next().unwrap_or_default();
                    let line: Vec<_> = typed.split_whitespace().map(OsString::from).collect();
                    let result = program.parse(&line);
                    let is_help = result.as_ref().is_err_and(|error| !error.use_stderr());
                    assert!(result.is_ok() || is_help, "{example}: {:?}", result.err());
                    seen += 1;
                }
            });
            assert!(seen > 10, "{seen}");
        }
    }

    #[test]
    fn a_line_for_lease_is_recognised_however_wrong() {
        for (line, expected) in [
            ("bbox cache lease", true),
            ("bbox cache --bogus lease x -- y", true),
            ("bbox cache -j 0 lease x -- list", true),
            ("bbox-cache lease list", true),
            ("bbox cache list lease", false),
            ("bbox cache ls -- lease", false),
            ("lease", false),
        ] {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert_eq!(is_lease(&words), expected, "{line}");
        }
    }
}
