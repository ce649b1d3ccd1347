//! Cases and verdicts: which image replaces which, and what an orphan is called.
//!
//! Each image is one line: its name, when it was born and last used, and its tokens. A birth may be
//! missing (`?`). The name of an image that is to be removed begins with `removed`, that of an
//! incompletely read one with `partial`, and that of one without a config with `bare`.

use std::ffi::OsStr;

use jiff::Timestamp;

use super::older_build::Builds;
use super::tokens::Build;
use crate::cache::{Coverage, EntryName, Folder, Location, Program, Token};

/// Tokens for a word of a line: one of the real images, a part of a config, or a program.
fn tokens(word: &str) -> Vec<Token> {
    let path = |path: &str| Token::Path(path.into());
    let programs = |words: &str| words.split(' ').flat_map(tokens).collect::<Vec<_>>();
    match word {
        "BASE" => programs("task golangci-lint goimports /usr/lib/node_modules/npm $PATH %sh"),
        "CLAUDE" => programs("BASE claude /home/sandbox/.local/bin/claude $DISABLE $CODE $RIPGREP"),
        "CODEX" => programs("BASE codex $CODEX_HOME"),
        "OPENCODE" => programs("BASE opencode"),
        "GEMINI" => programs("BASE /usr/lib/node_modules/@google/gemini-cli"),
        "HERMES" => programs("BASE hermes /opt/hermes"),
        word => vec![match word.split_at(1) {
            ("/", rest) => path(rest),
            ("$", name) => Token::Variable(name.to_owned()),
            ("!", program) => Token::Entrypoint(vec![program.to_owned()]),
            ("%", program) => Token::Command(vec![program.to_owned()]),
            _ => path(&format!("usr/local/bin/{word}")),
        }],
    }
}

struct Image {
    location: Location,
    program: Program,
    born: Option<Timestamp>,
    last_used: Timestamp,
}

fn location(name: &str) -> Location {
    Location { folder: Folder::Root, name: EntryName::new(name).unwrap() }
}

fn second(text: &str) -> Timestamp {
    Timestamp::from_second(text.parse().unwrap()).unwrap()
}

impl Image {
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (name, times) = (words.next().unwrap(), words.next().unwrap());
        let (born, last_used) = times.split_once('-').unwrap();
        let coverage = match name {
            name if name.starts_with("partial") => Coverage::Partial,
            name if name.starts_with("bare") => Coverage::NoConfig,
            _ => Coverage::Complete,
        };
        Self {
            location: location(name),
            program: Program { tokens: words.flat_map(tokens).collect(), coverage },
            born: (born != "?").then(|| second(born)),
            last_used: second(last_used),
        }
    }
}

fn images(lines: &str) -> Vec<Image> {
    lines.split('|').map(Image::parse).collect()
}

fn builds(images: &[Image]) -> Builds<'_> {
    Builds::new(images.iter().map(|image| Build {
        location: &image.location,
        program: Some(&image.program),
        born: image.born,
        last_used: image.last_used,
    }))
}

/// Each replaced image and its replacement: `c1>c2 d1>d2`.
fn replaced(lines: &str) -> String {
    let images = images(lines);
    let builds = builds(&images);
    let stays = |place: &Location| !place.name.starts_with("removed");
    let pairs = images.iter().filter_map(|image| {
        let newer = builds.replacement(&image.location, stays)?;
        Some(format!("{}>{newer}", image.location))
    });
    pairs.collect::<Vec<_>>().join(" ")
}

fn assert_replaced(cases: &[(&str, &str, &str)]) {
    for (title, lines, expected) in cases {
        assert_eq!(replaced(lines), *expected, "{title}");
    }
}

#[test]
fn rebuilds_of_the_real_images_replace_their_older_builds() {
    assert_replaced(&[
        (
            "the five shapes, and a rebuild of each",
            "c1 1-20 CLAUDE | x1 2-20 CODEX | o1 3-20 OPENCODE | g1 4-20 GEMINI | h1 5-20 HERMES |
             c2 30-50 CLAUDE | x2 31-50 CODEX | o2 32-50 OPENCODE | g2 33-50 GEMINI | h2 34-50 HERMES",
            "c1>c2 x1>x2 o1>o2 g1>g2 h1>h2",
        ),
        ("one image alone", "c1 1-20 CLAUDE", ""),
        ("two builds and nothing else", "c1 1-20 CLAUDE | c2 30-50 CLAUDE", "c1>c2"),
        ("three builds: the youngest replaces", "c1 1-2 CLAUDE | c2 3-4 CLAUDE | c3 5-6 CLAUDE", "c1>c3 c2>c3"),
        ("the youngest is removed", "c1 1-2 CLAUDE | c2 3-4 CLAUDE | removed 5-6 CLAUDE", "c1>c2"),
        ("the youngest of each program", "c1 1-20 CLAUDE | x1 30-50 CODEX", ""),
        ("used after the birth of the newer", "c1 1-40 CLAUDE | c2 30-50 CLAUDE", ""),
        ("used just when the newer was born", "c1 1-30 CLAUDE | c2 30-50 CLAUDE", ""),
        ("equal images under two references", "c1 1-50 CLAUDE | c2 2-50 CLAUDE | x1 3-50 CODEX", ""),
        (
            "a tag that was rolled back: the orphan is the newer",
            "c1 1-60 CLAUDE | c2 30-50 CLAUDE | x1 3-50 CODEX",
            "",
        ),
        ("an own entrypoint", "a1 1-2 !agent $A | a2 3-4 !agent $A | c1 5-6 CLAUDE", "a1>a2"),
        ("another entrypoint", "a1 1-2 BASE !a | b1 3-4 BASE !b | c1 5-6 CLAUDE", ""),
        (
            "renamed: another program, even with the same config",
            "c1 1-2 BASE claude-code $A | c2 3-4 BASE claude $A | x1 5-6 CODEX",
            "",
        ),
        ("more changes than a base explains", "c1 1-2 CLAUDE | c2 3-4 CLAUDE codex | x1 5-6 CODEX", ""),
    ]);
}

#[test]
fn common_tokens_and_nameless_tokens_prove_nothing() {
    assert_replaced(&[
        ("the base alone, with others", "a1 1-2 BASE | a2 3-4 BASE | c1 5-6 CLAUDE", ""),
        ("the base alone, alone", "a1 1-2 BASE | a2 3-4 BASE", "a1>a2"),
        ("configs alone", "a1 1-2 $PATH %bash | a2 3-4 $PATH %bash", ""),
        ("configs alone, with others", "a1 1-2 $X %bash | a2 3-4 $X %bash | c1 5-6 CLAUDE", ""),
        ("nothing at all", "a1 1-2 | a2 3-4", ""),
    ]);
}

#[test]
fn a_change_of_the_base_needs_a_witness() {
    const BEFORE: &str = "c1 1-20 CLAUDE | x1 2-20 CODEX | o1 3-20 OPENCODE";
    let with = |lines: &str| replaced(&format!("{BEFORE} | {lines}"));
    for (title, lines, expected) in [
        ("gained, alone on the new base", "c2 30-50 CLAUDE jq", ""),
        ("gained, with another rebuilt", "c2 30-50 CLAUDE jq | x2 31-50 CODEX jq", "c1>c2 x1>x2"),
        ("whichever comes first", "x2 30-50 CODEX jq | c2 31-50 CLAUDE jq", "c1>c2 x1>x2"),
        ("with a program that is new", "n1 30-50 BASE nano jq | c2 31-50 CLAUDE jq", "c1>c2"),
        ("another is still on the old base", "c2 30-50 CLAUDE jq | o2 31-50 OPENCODE", "o1>o2"),
        (
            "two tools, only one of them confirmed",
            "c2 30-50 CLAUDE jq yq | x2 31-50 CODEX jq",
            "x1>x2",
        ),
        ("gained a variable", "c2 30-50 CLAUDE $LANG | x2 31-50 CODEX $LANG", "c1>c2 x1>x2"),
        ("the witness is a copy", "c2 30-50 CLAUDE jq | x2 60-50 CODEX jq", ""),
        ("the witness was not read completely", "c2 30-50 CLAUDE jq | partial 31-50 CODEX jq", ""),
        ("the witness has nothing of its own", "c2 30-50 CLAUDE jq | b2 31-50 BASE jq", ""),
        (
            "a newer one has lost it again",
            "c2 30-50 CLAUDE jq | x2 31-50 CODEX jq | o2 40-50 OPENCODE",
            "o1>o2",
        ),
    ] {
        assert_eq!(with(lines), expected, "{title}");
    }
    assert_replaced(&[
        ("gained, alone in the cache", "c1 1-2 CLAUDE | c2 3-4 CLAUDE jq", ""),
        ("lost, alone in the cache", "c1 1-2 CLAUDE jq | c2 3-4 CLAUDE", ""),
        (
            "lost, with another rebuilt",
            "c1 1-2 CLAUDE jq | x1 2-3 CODEX jq | c2 5-6 CLAUDE | x2 6-7 CODEX",
            "c1>c2 x1>x2",
        ),
        (
            "lost, but the other one still has it",
            "c1 1-2 CLAUDE jq | x1 3-4 CODEX jq | c2 5-6 CLAUDE",
            "",
        ),
        (
            "lost, and a later one has it",
            "c1 1-2 CLAUDE jq | x1 3-4 CODEX | c2 5-6 CLAUDE | o1 7-8 OPENCODE jq",
            "",
        ),
        (
            "gained, lost and gained again",
            "c1 1-2 CLAUDE | x1 3-4 CODEX jq | o1 5-6 OPENCODE | c2 7-8 CLAUDE jq",
            "",
        ),
        (
            "one tool for another",
            "c1 1-2 CLAUDE jq | x1 2-3 CODEX jq | c2 5-6 CLAUDE yq | x2 6-7 CODEX yq",
            "c1>c2 x1>x2",
        ),
    ]);
}

#[test]
fn a_program_is_never_taken_for_a_tool_of_the_base() {
    assert_replaced(&[
        (
            "two programs, each on two bases",
            "c1 1-2 claude | x1 3-4 codex | c2 5-6 claude jq | x2 7-8 codex jq",
            "c1>c2 x1>x2",
        ),
        (
            "another program follows, and loses a tool",
            "c1 1-2 claude task | x1 3-4 codex task | x2 5-6 codex",
            "",
        ),
        ("and gains another one", "c1 1-2 claude task | x1 3-4 codex task | x2 5-6 codex jq", ""),
        (
            "both bring a tool that others lack",
            "c1 1-2 claude rg | g1 3-4 gemini | x1 5-6 codex rg | x2 7-8 codex",
            "",
        ),
        (
            "and another build of it has more",
            "a1 1-2 mine rg | g1 3-4 gemini | c1 5-6 claude rg foo | c2 7-8 claude rg",
            "",
        ),
        (
            "an image of the base alone, then a program on it",
            "b1 1-2 task %sh | c1 3-4 task %sh claude | c2 5-6 task %sh claude jq",
            "",
        ),
    ]);
}

#[test]
fn missing_facts_prove_nothing() {
    assert_replaced(&[
        ("a copied cache", "c1 90-20 CLAUDE | c2 90-50 CLAUDE | x1 90-50 CODEX", ""),
        ("no births", "c1 ?-20 CLAUDE | c2 ?-50 CLAUDE | x1 ?-50 CODEX", ""),
        ("a copy that was pulled again", "c1 90-20 CLAUDE | c2 30-50 CLAUDE", "c1>c2"),
        ("no config", "bare1 1-2 CLAUDE | bare2 3-4 CLAUDE | x1 5-6 CODEX", ""),
        ("unreadable directories", "partial1 1-2 CLAUDE | c2 3-4 CLAUDE | x1 5-6 CODEX", ""),
        (
            "unreadable directories of the newer one",
            "c1 1-2 CLAUDE | partial2 3-4 CLAUDE | x1 5-6 CODEX",
            "",
        ),
        (
            "unknown age, with a tool of the base: it may be the oldest",
            "c1 1-2 CLAUDE | x1 3-4 CODEX | c2 5-6 CLAUDE jq | x2 7-8 CODEX jq | g ?-9 GEMINI jq",
            "",
        ),
        (
            "a copy from before the change",
            "c1 3-4 CLAUDE | x1 5-6 CODEX | c2 7-8 CLAUDE jq | x2 9-10 CODEX jq | g 90-2 GEMINI",
            "c1>c2 x1>x2",
        ),
    ]);
    let images = images("c1 1-2 CLAUDE | c2 3-4 CLAUDE");
    let unread = Builds::new(images.iter().map(|image| Build {
        location: &image.location,
        program: None,
        born: image.born,
        last_used: image.last_used,
    }));
    assert_eq!(unread.replacement(&location("c1"), |_| true), None);
}

#[test]
fn an_orphan_is_called_by_its_newer_build_or_by_its_program() {
    // The first image is the orphan, all others have references.
    for (title, lines, guess, name) in [
        ("a newer build", "c1 1-2 CLAUDE | c2 3-4 CLAUDE | x1 5-6 CODEX", "c2", "claude"),
        ("an older build", "c2 3-4 CLAUDE | c1 1-9 CLAUDE | x1 5-6 CODEX", "c1", "claude"),
        (
            "on another base",
            "c1 1-2 CLAUDE jq | x1 3-4 CODEX yq | c2 5-6 CLAUDE yq",
            "c2",
            "claude",
        ),
        ("no other build", "x1 1-2 CODEX | c2 3-4 CLAUDE | o1 5-6 OPENCODE", "", "codex"),
        (
            "on a base shared with another",
            "x1 1-2 CODEX jq | c2 3-4 CLAUDE jq | o1 5-6 OPENCODE",
            "",
            "codex",
        ),
        ("a package", "g1 1-2 GEMINI | c2 3-4 CLAUDE", "", "@google/gemini-cli"),
        ("the shortest", "a 1-2 longer long | c2 3-4 CLAUDE", "", "long"),
        ("alone", "c1 1-2 CLAUDE", "", ""),
        ("all alike", "c1 1-2 CLAUDE | c2 3-4 CLAUDE", "c2", ""),
        ("births that say nothing", "c1 ?-2 CLAUDE | c2 ?-4 CLAUDE | x1 ?-6 CODEX", "c2", "claude"),
        ("an own entrypoint", "a1 1-2 !a $X | a2 3-4 !a $X $Y | c 5-6 CLAUDE", "a2", ""),
        (
            "several alike: the first by name",
            "c1 ?-2 CLAUDE | c3 ?-3 CLAUDE | c2 ?-3 CLAUDE",
            "c2",
            "",
        ),
        ("unread in part", "partial 1-2 claude | c2 3-4 CLAUDE | x1 5-6 CODEX", "", "claude"),
        ("nothing", "a 1-2 | b 3-4 | c 5-6 CLAUDE", "", ""),
    ] {
        let images = images(lines);
        let (builds, orphan) = (builds(&images), &images[0].location);
        let found = builds.likeliest(orphan, |other| other != orphan);
        assert_eq!(found.map(ToString::to_string).unwrap_or_default(), guess, "{title}");
        assert_eq!(builds.name(orphan).unwrap_or_default(), OsStr::new(name), "{title}");
    }
}

#[test]
fn a_thousand_images_of_a_thousand_names_are_compared() {
    let names: Vec<_> = (0..1000).map(|number| format!("n{number}")).collect();
    let line = |(number, own): (usize, &String)| {
        let born = number * 2;
        format!("i{number} {born}-{} {own} {}", born + 1, names[500..540].join(" "))
    };
    let mut lines: Vec<_> =
        names[..499].iter().chain(&names[..499]).enumerate().map(line).collect();
    lines.push(format!("big1 3000-3001 {}", names.join(" ")));
    lines.push(format!("big2 3002-3003 {}", names.join(" ")));
    let images = images(&lines.join("|"));
    let builds = builds(&images);
    for (old, new) in [("i0", "i499"), ("i498", "i997"), ("big1", "big2")] {
        assert_eq!(builds.replacement(&location(old), |_| true), Some(&location(new)));
    }
    assert_eq!(builds.replacement(&location("i997"), |_| true), None);
}
