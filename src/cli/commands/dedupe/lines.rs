//! Images, layers and files in words.

use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use super::report::Report;
use crate::cache::Location;
use crate::cli::context::Context;
use crate::cli::find_image::reference;
use crate::cli::ui::bars::label;
use crate::cli::ui::text::{cut, pad};
use crate::cli::ui::units::{bytes, plural};
use crate::dedupe::{Cause, LeftOut, LeftOutEntry, Reason, WhyLeftOut};
use crate::escape::Escaped;

/// The minimum width of a cut reference.
const LEAST_NAME: usize = 12;

/// `Shared sha256:0123456789ab   815.2 MiB  ghcr.io/a/b:latest`, one line per image and layer that
/// frees space.
pub fn of_entries(context: &Context<'_>, report: &Report<'_>) -> Vec<String> {
    let (verb, up_to) = if report.dry_run { ("Would share", "up to ") } else { ("Shared", "") };
    let labels: Vec<_> = report.entries.iter().map(|(at, _)| label(at)).collect();
    let width = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let columns = context.console.width();
    let lines = report.entries.iter().zip(labels).map(|((at, found), label)| {
        let line = format!("{verb} {}  {up_to}{:>10}  ", pad(&label, width), bytes(found.bytes));
        let name = name(report, at);
        let room = columns.map(|columns| columns.saturating_sub(line.width()).max(LEAST_NAME));
        let line = line + &room.map_or_else(|| name.clone(), |room| cut(&name, room));
        line.trim_end().to_owned()
    });
    lines.collect()
}

/// The first reference of an image.
fn name(report: &Report<'_>, at: &Location) -> String {
    let mut refs = report.inventory.refs.refs.iter();
    let found = refs.find(|found| *found.digest.entry_name() == at.name);
    found.map(reference).unwrap_or_default()
}

/// What was left out: one line each, with names if `--verbose`.
pub fn of_left_out(context: &Context<'_>, report: &Report<'_>) -> Vec<String> {
    let verbose = context.console.verbose;
    let entries = report
        .left_out_entries
        .iter()
        .map(|left| format!("Left out {}: {}", label(&left.location), why(left)));
    let files = report.left_out.into_iter().flat_map(LeftOut::iter);
    let files = files.filter(|(reason, _)| verbose || is_worth_telling(*reason));
    let files = files.map(|(reason, files)| {
        let line =
            format!("Left out {}: {}", plural(files.count as usize, "file"), meaning(reason));
        match verbose {
            true => format!("{line}{}", names(&files.first, files.count)),
            false => line,
        }
    });
    entries.chain(files).collect()
}

fn why(left: &LeftOutEntry) -> String {
    match &left.why {
        WhyLeftOut::Reclaimable(verdict) => format!("`gc` removes it ({})", verdict.reason()),
        WhyLeftOut::InUse(user) => format!("in use by {user}"),
        WhyLeftOut::Unreadable(error) => error.to_string(),
    }
}

/// Whether a reason is worth mentioning. Small files, and files with only their path and size in
/// common, are no surprise.
fn is_worth_telling(reason: Reason) -> bool {
    !matches!(reason, Reason::Inline | Reason::Unequal)
}

fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::HeldElsewhere => "their data is also used outside these images and layers",
        Reason::Inline => "too small, and stored in the metadata",
        Reason::Unequal => "not equal to the others with the same path and size",
        Reason::Unlike => "the file system cannot share their data with the others",
        Reason::NotAllowed => "immutable, or owned by another user",
        Reason::InUse => "in use by the system",
        Reason::Changed => "changed in the meantime",
        Reason::NoRoom => "the file system has no room for the metadata",
        Reason::Failed => "the file system refused",
        _ => "could not be read",
    }
}

fn names(first: &[(PathBuf, Option<Cause>)], count: u64) -> String {
    let name = |(path, said): &(PathBuf, Option<Cause>)| {
        let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
        format!("\n  {}{said}", Escaped::new(path))
    };
    let more = match count - first.len() as u64 {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    first.iter().map(name).collect::<String>() + &more
}

/// The first file for each reason that is a failure, with the system's error.
pub fn failures(report: &Report<'_>) -> Vec<String> {
    let files = report.left_out.into_iter().flat_map(LeftOut::iter);
    let failed = files.filter(|(reason, _)| reason.is_failure());
    let first = failed.filter_map(|(_, files)| files.first.first());
    first
        .map(|(path, said)| {
            let said = said.map(|said| said.to_string()).unwrap_or_default();
            format!("cannot share the data of {}: {said}", Escaped::new(path))
        })
        .collect()
}
