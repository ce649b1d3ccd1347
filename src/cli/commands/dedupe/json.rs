//! The JSON document of `dedupe`.

use serde::Serialize;

use super::report::Report;
use crate::cache::{Digest, Location};
use crate::cli::context::Context;
use crate::cli::ui::json::{document, lossy};
use crate::dedupe::{Files, LeftOut, LeftOutEntry, Reason, Shared, WhyLeftOut};

#[derive(Serialize)]
struct Document {
    cache_dir: String,
    dry_run: bool,
    /// Whether files can share data on that file system.
    possible: bool,
    interrupted: bool,
    files: u64,
    /// For a dry run, an upper bound.
    bytes: u64,
    /// The file system's own figure.
    file_system_freed_bytes: Option<i64>,
    entries: Vec<Entry>,
    left_out_entries: Vec<LeftEntry>,
    left_out: Vec<LeftFiles>,
}

#[derive(Serialize)]
struct Entry {
    digest: Option<String>,
    path: String,
    files: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct LeftEntry {
    digest: Option<String>,
    path: String,
    reason: &'static str,
    details: String,
}

#[derive(Serialize)]
struct LeftFiles {
    reason: &'static str,
    count: u64,
    /// The first 10 files.
    paths: Vec<String>,
}

pub fn render(context: &Context<'_>, report: &Report<'_>) -> String {
    let left_out = report.left_out.into_iter().flat_map(LeftOut::iter);
    document(&Document {
        cache_dir: lossy(&context.cache_dir),
        dry_run: report.dry_run,
        possible: report.is_possible,
        interrupted: report.is_interrupted,
        files: report.shared.files,
        bytes: report.shared.bytes.as_u64(),
        file_system_freed_bytes: report.freed,
        entries: report.entries.iter().map(|(at, found)| entry(context, at, *found)).collect(),
        left_out_entries: report
            .left_out_entries
            .iter()
            .map(|left| left_entry(context, left))
            .collect(),
        left_out: left_out.map(left_files).collect(),
    })
}

fn entry(context: &Context<'_>, at: &Location, found: Shared) -> Entry {
    let (digest, path) = place(context, at);
    Entry { digest, path, files: found.files, bytes: found.bytes.as_u64() }
}

fn left_entry(context: &Context<'_>, left: &LeftOutEntry) -> LeftEntry {
    let (reason, details) = match &left.why {
        WhyLeftOut::Reclaimable(verdict) => ("reclaimable", verdict.reason().to_owned()),
        WhyLeftOut::InUse(user) => ("in-use", user.to_string()),
        WhyLeftOut::Unreadable(error) => ("unreadable", error.to_string()),
    };
    let (digest, path) = place(context, &left.location);
    LeftEntry { digest, path, reason, details }
}

/// The digest and the path of an image or layer.
fn place(context: &Context<'_>, at: &Location) -> (Option<String>, String) {
    let digest = Digest::of_entry(&at.name).map(|digest| digest.to_text());
    (digest, lossy(at.path_in(&context.cache_dir)))
}

fn left_files((reason, files): (Reason, &Files)) -> LeftFiles {
    let paths = files.first.iter().map(|(path, _)| lossy(path)).collect();
    LeftFiles { reason: reason.name(), count: files.count, paths }
}
