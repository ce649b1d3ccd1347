//! `df` for programs.

use serde::Serialize;

use super::items::Item;
use super::report::{Report, TypeRow};
use crate::cli::ui::json::{Amount, Bounds, Disk, lossy};

#[derive(Serialize)]
pub struct Document {
    cache_dir: String,
    /// `null` if there is no home directory.
    vm_dir: Option<String>,
    types: Vec<Type>,
    items: Vec<Entry>,
    total: Amount,
    /// Whether data that files share counts once in it; if not, it is an upper bound.
    shared_counts_once: bool,
    /// Of the cache's file system; `null` if there is no cache.
    disk: Option<Disk>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Type {
    r#type: &'static str,
    total: usize,
    /// `null` if unknown, or if it does not apply.
    active: Option<usize>,
    usage: Amount,
    /// `null` if no command removes it.
    reclaimable_bytes: Option<Bounds>,
    /// `null` if there is nothing to free.
    command: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    r#type: &'static str,
    name: String,
    path: String,
    usage: Amount,
    unique_bytes: Bounds,
    last_used: String,
    state: Option<&'static str>,
    active: Option<bool>,
    /// Why it looks dead; `null` unless it does.
    looks_dead: Option<String>,
}

impl Document {
    pub fn new(report: &Report<'_>) -> Self {
        Self {
            cache_dir: lossy(&report.cache_dir),
            vm_dir: report.vm_dir.as_ref().map(lossy),
            types: report.types.iter().map(|row| of_type(report, row)).collect(),
            items: report.items.iter().map(entry).collect(),
            total: report.total.into(),
            shared_counts_once: !report.may_share,
            disk: report.disk.as_ref().map(Disk::from),
            warnings: report.warnings.clone(),
        }
    }
}

fn of_type(report: &Report<'_>, row: &TypeRow) -> Type {
    Type {
        r#type: row.of.name(),
        total: row.count,
        active: row.active,
        usage: row.usage.into(),
        reclaimable_bytes: row.reclaimable.map(Bounds::from),
        command: row.command.map(|command| format!("{} {command}", report.program)),
    }
}

fn entry(item: &Item<'_>) -> Entry {
    Entry {
        r#type: item.of.name(),
        name: item.name.clone(),
        path: lossy(&item.path),
        usage: item.usage.into(),
        unique_bytes: item.unique.into(),
        last_used: item.last_used.to_string(),
        state: Some(item.state).filter(|state| !state.is_empty()),
        active: item.is_active,
        looks_dead: item.looks_dead.clone(),
    }
}
