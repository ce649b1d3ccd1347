//! The text output of `diff`.

use std::ffi::OsString;
use std::path::Path;

use bytesize::ByteSize;

use super::config::{ConfigChange, changes};
use super::findings::Findings;
use crate::cli::args::Diff;
use crate::cli::ui::table::{Align, Table};
use crate::cli::ui::text::{cut, pad};
use crate::cli::ui::theme::{HEADING, PLAIN};
use crate::cli::ui::units::{bytes, estimate, number, plural, signed, size};
use crate::escape::Escaped;
use crate::usage::{Alteration, Delta};

/// The width of the labels, including the gap.
const LABEL_WIDTH: usize = 13;
const ARROW: &str = " → ";

/// The whole text. No line of the tables is wider than `width` if there is a limit.
pub fn render(found: &Findings<'_>, args: &Diff, verbose: bool, width: Option<usize>) -> String {
    let mut text = headline(found) + "\n";
    for (label, line) in facts(found, verbose) {
        let line = match width {
            Some(width) => cut(&line, width.saturating_sub(LABEL_WIDTH)),
            None => line,
        };
        text += &format!("{HEADING}{}{HEADING:#}{line}\n", pad(&label, LABEL_WIDTH));
    }
    contents(found).for_each(|line| text += &(line + "\n"));
    for section in [changed(found, args), altered(found, args)] {
        if !section.is_empty() {
            text += &format!("\n{}", section.render(width));
        }
    }
    text
}

/// The two images, and the net change.
fn headline(found: &Findings<'_>) -> String {
    let [old, new] = found.images.each_ref().map(|image| image.digest.short());
    let Delta { came, went, .. } = found.comparison.whole();
    let net = signed(found.comparison.whole().net());
    let [came, went] = [came, went].map(|count| bytes(ByteSize::b(count)));
    format!("{old}{ARROW}{new}: net {net}, added {came}, removed {went}")
}

fn facts(found: &Findings<'_>, verbose: bool) -> Vec<(String, String)> {
    let fact = |label: &str, line: String| (label.to_owned(), line);
    let mut facts = Vec::new();
    if found.notes.is_incomplete {
        facts.push(fact("incomplete", "not everything was readable: see the warnings".to_owned()));
    }
    for (label, image) in ["old", "new"].into_iter().zip(&found.images) {
        let refs = image.refs.iter().map(|found| crate::cli::find_image::reference(found));
        let refs: Vec<_> = refs.collect();
        let refs = if refs.is_empty() { "(orphan)".to_owned() } else { refs.join(", ") };
        facts.push(fact(label, refs));
    }
    if let [Some(old), Some(new)] = &found.configs {
        facts.extend(changes([old, new]).iter().map(|change| of_config(change, verbose)));
    }
    if found.unique.at_most().exact() != found.usage.on_disk().exact() {
        let (unique, whole) = (estimate(found.unique), size(found.usage.on_disk()));
        facts.push(fact("unique", format!("{unique} of the {whole} of the new image")));
    }
    let Delta { grew, .. } = found.comparison.whole();
    if grew != 0 {
        facts.push(fact("grew", format!("{} in files that both images have", signed(grew))));
    }
    let (files, moved) = found.comparison.moved();
    if files > 0 {
        let moved = bytes(ByteSize::b(moved));
        facts.push(fact("moved", format!("{} ({moved})", plural(files as usize, "file"))));
    }
    facts
}

fn of_config(change: &ConfigChange, verbose: bool) -> (String, String) {
    let shown = |value: &String| Escaped::new(value).to_string();
    let (old, new) = (change.old.as_ref().map(shown), change.new.as_ref().map(shown));
    let name = Escaped::new(&change.what).to_string();
    let none = || "(none)".to_owned();
    match (change.is_variable, verbose) {
        (false, _) => {
            (name, format!("{}{ARROW}{}", old.unwrap_or_else(none), new.unwrap_or_else(none)))
        }
        (true, false) => {
            let how = match (old, new) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "changed",
            };
            ("environment".to_owned(), format!("{name} {how}"))
        }
        (true, true) => {
            let values = format!("{}{ARROW}{}", old.unwrap_or_else(none), new.unwrap_or_else(none));
            ("environment".to_owned(), format!("{name}: {values}"))
        }
    }
}

/// What is known about files of equal size.
fn contents(found: &Findings<'_>) -> impl Iterator<Item = String> {
    let (proven, unproven) = (found.comparison.proven(), found.comparison.unproven());
    let files = |count: u64| plural(count as usize, "file");
    let read = match &found.contents {
        Some(read) => {
            let different = read.different.len() as u64;
            let equal = number(read.equal, true);
            let unread = match read.problems.len() {
                0 => String::new(),
                unread => format!(", {unread} unreadable"),
            };
            (unproven > 0).then(|| {
                format!(
                    "{} of equal size read: {equal} equal, {different} different{unread}",
                    files(unproven)
                )
            })
        }
        None => (unproven > 0).then(|| {
            format!("{} of equal size: contents not compared (`--content`)", files(unproven))
        }),
    };
    let proven = (proven > 0).then(|| format!("{} proven equal without reading", files(proven)));
    proven.into_iter().chain(read)
}

/// The changed directories or files.
fn changed(found: &Findings<'_>, args: &Diff) -> Table {
    let least = args.min_size.map_or(0, |size| size.as_u64());
    let (what, rows): (_, Vec<_>) = if args.files {
        let files = found.comparison.files(args.top, least);
        let rows = files.iter().map(|file| (file.delta, path(&file.path, file.old_name.as_ref())));
        ("FILE", rows.collect())
    } else {
        let directories = found.comparison.directories(args.top, args.depth, least);
        let rows = directories
            .iter()
            .map(|directory| (directory.delta, path(&directory.path, directory.old_name.as_ref())));
        ("DIRECTORY", rows.collect())
    };
    let right = Align::Right;
    let table = Table::new([right, right, right, right, Align::Left]);
    let mut table = table.sparing([3]).yielding([2, 1]);
    if !rows.is_empty() {
        table.header(["NET", "ADDED", "REMOVED", "GREW", what]);
    }
    for (delta, path) in rows {
        let unsigned = |count| if count == 0 { String::new() } else { bytes(ByteSize::b(count)) };
        let grew = if delta.grew == 0 { String::new() } else { signed(delta.grew) };
        table.row(
            [signed(delta.net()), unsigned(delta.came), unsigned(delta.went), grew, path],
            PLAIN,
        );
    }
    table
}

/// Entries with another kind, mode, target or content.
fn altered(found: &Findings<'_>, args: &Diff) -> Table {
    let mut table = Table::new([Align::Left, Align::Left]);
    let altered = found.comparison.altered(args.top);
    let mut rows: Vec<_> = altered
        .iter()
        .map(|altered| [how(&altered.alteration), path(&altered.path, None)])
        .collect();
    let more = found.comparison.altered_count() - rows.len();
    let read = found.contents.iter().flat_map(|contents| &contents.different);
    rows.extend(read.take(args.top).map(|different| ["content".to_owned(), path(different, None)]));
    if !rows.is_empty() {
        table.header(["CHANGED", "PATH"]);
    }
    rows.into_iter().for_each(|row| table.row(row, PLAIN));
    if more > 0 {
        table.row([String::new(), format!("and {more} more (`--top`)")], PLAIN);
    }
    table
}

fn how(alteration: &Alteration) -> String {
    let target = |target: &Option<OsString>| match target {
        Some(target) => Escaped::new(target).to_string(),
        None => "?".to_owned(),
    };
    match alteration {
        Alteration::Kind(old, new) => format!("{old}{ARROW}{new}"),
        Alteration::Mode(old, new) => format!("mode {old:04o}{ARROW}{new:04o}"),
        Alteration::Target(old, new) => format!("link {}{ARROW}{}", target(old), target(new)),
    }
}

/// A path in the new image, with its last component in the old one if that differs.
fn path(path: &Path, old_name: Option<&OsString>) -> String {
    let shown = |path: &Path| format!("/{}", Escaped::new(path));
    match (old_name, path.file_name()) {
        (Some(old), Some(name)) => {
            format!("{}{ARROW}{}", shown(&path.with_file_name(old)), Escaped::new(name))
        }
        _ => shown(path),
    }
}
