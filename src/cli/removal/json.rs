//! JSON documents of `gc`, `rm` and `purge`.

use serde::Serialize;

use super::lines;
use super::report::Report;
use crate::cache::{Digest, Entry, EntryKind, UsingProcess};
use crate::cli::context::Context;
use crate::cli::ui::json::{Amount, Bounds, lossy};
use crate::plan::{Decision, Item, Verdict};
use crate::sweep::RemovalResult;

#[derive(Serialize)]
pub struct Document {
    cache_dir: String,
    dry_run: bool,
    decisions: Vec<Decided>,
    totals: Totals,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Decided {
    kind: &'static str,
    digest: Option<String>,
    path: String,
    action: &'static str,
    reason: &'static str,
    /// `null` for a ref in the old format, which lacks the reference.
    refs: Vec<Option<String>>,
    /// `null` for a ref.
    last_used: Option<String>,
    users: Vec<Process>,
    mount: Option<String>,
    usage: Option<Amount>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    program: String,
}

#[derive(Serialize)]
struct Totals {
    removed: usize,
    kept: usize,
    failed: usize,
    freed_bytes: Bounds,
    /// How much space removing unreferenced layers, too, would free; `null` if unknown.
    layers_reclaimable_bytes: Option<Bounds>,
    /// The number of unreplaced orphans that are kept, and how much space removing them, too, would
    /// free; `null` if unknown.
    unreplaced: Option<usize>,
    unreplaced_bytes: Option<Bounds>,
    /// The space available on the file system afterwards, or certainly available after a dry run;
    /// only with a target for that.
    available_bytes: Option<u64>,
    /// Compared to before the sweep: negative if others have used more meanwhile.
    file_system_freed_bytes: Option<i64>,
}

impl Document {
    pub fn new(report: &Report, context: &Context<'_>) -> Self {
        let decisions = report.plan().decisions();
        let removed = decisions.iter().filter(|decision| report.is_removed(decision)).count();
        let kept = decisions.iter().filter(|decision| is_kept(report, decision)).count();
        Self {
            cache_dir: lossy(&context.cache_dir),
            dry_run: report.is_dry_run(),
            decisions: decisions.iter().map(|found| decided(report, found, context)).collect(),
            totals: Totals {
                removed,
                kept,
                failed: decisions.len() - removed - kept,
                freed_bytes: report.freed().into(),
                layers_reclaimable_bytes: report.left.map(|left| left.layers.reclaimable.into()),
                unreplaced: report.left.map(|left| left.unreplaced.count),
                unreplaced_bytes: report.left.map(|left| left.unreplaced.reclaimable.into()),
                available_bytes: report.available().map(|bytes| bytes.as_u64()),
                file_system_freed_bytes: report.freed_by_file_system(),
            },
            warnings: report.warnings.iter().chain(&report.problems).cloned().collect(),
        }
    }
}

fn is_kept(report: &Report, decision: &Decision) -> bool {
    match report.result(decision) {
        None => !decision.verdict.removes(),
        Some(result) => matches!(result, RemovalResult::Kept { .. } | RemovalResult::Restored),
    }
}

fn decided(report: &Report, decision: &Decision, context: &Context<'_>) -> Decided {
    let (action, reason) = match report.result(decision) {
        Some(RemovalResult::Kept { why }) => ("keep", why.name()),
        _ if matches!(decision.verdict, Verdict::Restore(_)) => {
            ("restore", decision.verdict.reason())
        }
        _ if decision.verdict.removes() => ("remove", decision.verdict.reason()),
        _ => ("keep", decision.verdict.reason()),
    };
    Decided {
        kind: kind(decision),
        digest: decision.item.digest().map(Digest::to_text),
        path: lossy(decision.item.location().path_in(&context.cache_dir)),
        action,
        reason,
        refs: decision.refs.clone(),
        last_used: decision.item.last_used().map(|used| used.to_string()),
        users: decision.users.iter().map(process).collect(),
        mount: decision.mount.as_ref().map(lossy),
        usage: decision.usage.map(Amount::from),
        error: match report.result(decision) {
            Some(RemovalResult::Failed { problems, .. }) => Some(lines::problem(problems)),
            Some(RemovalResult::Interrupted { .. }) => Some("interrupted".to_owned()),
            _ => None,
        },
    }
}

fn process(user: &UsingProcess) -> Process {
    Process { pid: user.pid, program: user.program.clone() }
}

fn kind(decision: &Decision) -> &'static str {
    match &decision.item {
        Item::Ref { .. } => "ref",
        Item::Entry(Entry { kind, .. }) => match kind {
            EntryKind::Image(_) => "image",
            EntryKind::Layer(_) => "layer",
            EntryKind::Leftover(_) => "leftover",
            EntryKind::Foreign => "other",
        },
    }
}
