//! The manual pages, generated from the `--help` texts.
//!
//! The pages of `bbox-cache` and those of `bbox cache` would have the same names and contents. So
//! there is one set, with one page per command, named after `bbox-cache`, that shows how to call
//! either program. Both programs write the same pages; `bbox` has one more, for itself.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::program::Program;

/// A page, and the name of its file.
pub struct Page {
    pub file: String,
    pub text: Vec<u8>,
}

/// The package of the pages, with its version.
const SOURCE: &str = concat!("bbox-cache ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "The image cache of Brood Box";

/// Sections for all commands: a heading, and terms with their meaning.
const SECTIONS: [(&str, &[(&str, &str)]); 3] = [
    (
        "EXIT STATUS",
        &[
            ("0", "Done, nothing to do, or cancelled at the question."),
            ("1", "Something could not be done or read; it is reported, and the rest is done."),
            ("2", "Usage error, or refused."),
            ("125, 126, 127", "Only from lease: see bbox-cache-lease(1)."),
            ("130, 143", "Interrupted by Ctrl-C or SIGTERM; run it again to finish."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("BBOX_IMAGE_CACHE_DIR", "The cache directory, unless --cache-dir is given."),
            ("XDG_CACHE_HOME", "The parent of the default cache directory, broodbox/images."),
            ("NO_COLOR", "If set, no colours, unless --color=always."),
            ("BBOX_PROGRESS", "never: no progress bars. TERM=dumb and CI=true also turn them off."),
            (
                "LC_ALL, LC_CTYPE, LANG",
                "Bars and trees are drawn in ASCII unless the locale is UTF-8.",
            ),
        ],
    ),
    (
        "FILES",
        &[("~/.cache/broodbox/images", "The cache directory; on macOS, in ~/Library/Caches.")],
    ),
];

/// All pages of a program.
pub fn pages(program: Program) -> Vec<Page> {
    let (short, long) = (built(Program::BboxCache), built(Program::Bbox));
    let cache = long.find_subcommand("cache");
    let verbs = shown(&short).map(|verb| {
        let same_verb = cache.and_then(|cache| cache.find_subcommand(verb.get_name()));
        page(verb, same_verb.or(long.find_subcommand(verb.get_name())))
    });
    let own = (program == Program::Bbox).then(|| page(&long, None));
    own.into_iter().chain([page(&short, cache)]).chain(verbs).collect()
}

fn built(program: Program) -> Command {
    let mut command = program.command();
    command.build();
    command
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
}

/// The page of a command. `same` is the command in the other program.
fn page(command: &Command, same: Option<&Command>) -> Page {
    let help = Help::new(command);
    let man = Man::new(command.clone());
    let mut text = title(&man).into_bytes();
    let mut render = || {
        man.render_name_section(&mut text)?;
        synopsis([Some(command), same]).to_writer(&mut text)?;
        man.render_description_section(&mut text)?;
        help.paragraphs().to_writer(&mut text)?;
        man.render_options_section(&mut text)?;
        commands(command).to_writer(&mut text)?;
        help.examples().to_writer(&mut text)?;
        for (heading, entries) in &SECTIONS {
            section(heading, entries).to_writer(&mut text)?;
        }
        see_also(command).to_writer(&mut text)
    };
    render().expect("memory takes everything");
    Page { file: man.get_filename(), text }
}

/// Written by hand: an empty date must keep its place.
fn title(man: &Man) -> String {
    let name = man.get_filename().trim_end_matches(".1").to_uppercase();
    format!(".TH \"{name}\" \"1\" \"\" \"{SOURCE}\" \"{MANUAL}\"\n")
}

fn synopsis<'a>(forms: impl IntoIterator<Item = Option<&'a Command>>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for (index, form) in forms.into_iter().flatten().enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        let usage = form.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let name = form.get_bin_name().unwrap_or(form.get_name());
        let rest = usage.strip_prefix(name).unwrap_or(usage).to_owned();
        roff.text([bold(name), roman(rest)]);
    }
    roff
}

/// Pages are named after `bbox-cache`; the page of `bbox cache` is that of the whole program.
fn page_name(subcommand: &Command) -> String {
    match subcommand.get_name() {
        "cache" => "bbox-cache".to_owned(),
        name => format!("bbox-cache-{name}"),
    }
}

fn commands(command: &Command) -> Roff {
    let mut roff = Roff::new();
    if shown(command).next().is_some() {
        roff.control("SH", ["COMMANDS"]);
    }
    for subcommand in shown(command) {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        let aliases: Vec<_> = subcommand.get_visible_aliases().collect();
        let also = if aliases.is_empty() {
            String::new()
        } else {
            format!(" (also called {})", aliases.join(", "))
        };
        roff.control("TP", []).text([bold(page_name(subcommand)), roman("(1)")]);
        roff.text([roman(about + &also)]);
    }
    roff
}

fn section(heading: &str, entries: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (word, meaning) in entries {
        roff.control("TP", []).text([bold(*word)]).text([roman(*meaning)]);
    }
    roff
}

fn see_also(command: &Command) -> Roff {
    let others = match shown(command).next() {
        Some(_) => "The pages of the commands, and the README of bbox-cache.",
        None => "bbox-cache(1)",
    };
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman(others)]);
    roff
}

/// The text after the options in a help text: examples, then paragraphs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Help {
    /// The command and its explanation, which may be empty.
    examples: Vec<(String, String)>,
    paragraphs: Vec<String>,
}

impl Help {
    fn new(command: &Command) -> Self {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        Self::read(&text)
    }

    fn read(text: &str) -> Self {
        let mut help = Self::default();
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            match block.strip_prefix("Examples:\n") {
                Some(lines) => help.examples.extend(lines.lines().map(example)),
                None => help.paragraphs.push(block.to_owned()),
            }
        }
        help
    }

    fn paragraphs(&self) -> Roff {
        let mut roff = Roff::new();
        for paragraph in &self.paragraphs {
            roff.control("PP", []);
            paragraph.lines().for_each(|line| {
                roff.text([roman(line)]);
            });
        }
        roff
    }

    fn examples(&self) -> Roff {
        let mut roff = Roff::new();
        if !self.examples.is_empty() {
            roff.control("SH", ["EXAMPLES"]);
        }
        for (index, (typed, effect)) in self.examples.iter().enumerate() {
            match (effect.is_empty(), index) {
                (true, 0) => roff.text([bold(typed)]),
                (true, _) => roff.control("PP", []).text([bold(typed)]),
                (false, _) => roff.control("TP", []).text([bold(typed)]).text([roman(effect)]),
            };
        }
        roff
    }
}

/// Splits a line of examples: wide space separates the command from its explanation.
fn example(line: &str) -> (String, String) {
    let (typed, effect) = line.trim().split_once("   ").unwrap_or((line.trim(), ""));
    (typed.to_owned(), effect.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_text_is_split_into_examples_and_paragraphs() {
        let help = Help::read("Examples:\n  a -b     does it\n  c | d\n\nOne\nis this.\n\nTwo.");
        let example = |typed: &str, effect: &str| (typed.to_owned(), effect.to_owned());
        assert_eq!(help.examples, [example("a -b", "does it"), example("c | d", "")]);
        assert_eq!(help.paragraphs, ["One\nis this.", "Two."]);
        assert_eq!(Help::read(""), Help::default());
    }

    #[test]
    fn each_command_has_a_page_that_both_programs_write_alike() {
        let (short, long) = (pages(Program::BboxCache), pages(Program::Bbox));
        assert_eq!(long[0].file, "bbox.1");
        assert_eq!(long.len(), short.len() + 1);
        for (one, other) in short.iter().zip(&long[1..]) {
            assert_eq!((&one.file, &one.text), (&other.file, &other.text));
        }
        let names: Vec<_> = short.iter().map(|page| page.file.as_str()).collect();
        for name in ["bbox-cache.1", "bbox-cache-list.1", "bbox-cache-completions.1"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }
}
