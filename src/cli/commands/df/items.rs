//! One line of `df -v`: an entry of the cache, or something beside it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cache::{BesideItem, BesideKind, EntryKind, VmState};
use crate::cli::find_image::reference;
use crate::cli::image_row::Row;
use crate::cli::words::guess;
use crate::escape::Escaped;
use crate::plan::{Decision, KeepReason, LayerStatus, Verdict};
use crate::usage::{CacheUsage, Estimate, TreeId, Usage};

/// The types of `df`, in the order of its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Images,
    Layers,
    Leftovers,
    Firmware,
    Runtime,
    Snapshots,
    Vms,
    Others,
}

impl Type {
    pub const ALL: [Self; 8] = [
        Self::Images,
        Self::Layers,
        Self::Leftovers,
        Self::Firmware,
        Self::Runtime,
        Self::Snapshots,
        Self::Vms,
        Self::Others,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Layers => "layers",
            Self::Leftovers => "leftovers",
            Self::Firmware => "firmware",
            Self::Runtime => "runtime",
            Self::Snapshots => "snapshots",
            Self::Vms => "vms",
            Self::Others => "others",
        }
    }

    /// Of an entry of the cache.
    pub fn of_entry(kind: &EntryKind) -> Self {
        match kind {
            EntryKind::Image(_) => Self::Images,
            EntryKind::Layer(_) => Self::Layers,
            EntryKind::Leftover(_) => Self::Leftovers,
            EntryKind::Foreign => Self::Others,
        }
    }

    fn of_beside(kind: &BesideKind) -> Self {
        match kind {
            BesideKind::Firmware => Self::Firmware,
            BesideKind::Runtime => Self::Runtime,
            BesideKind::Snapshot { .. } => Self::Snapshots,
            BesideKind::Vm(_) => Self::Vms,
            BesideKind::Other => Self::Others,
        }
    }
}

/// One line.
pub struct Item<'a> {
    pub of: Type,
    pub tree: TreeId<'a>,
    /// Safe to print.
    pub name: String,
    pub path: PathBuf,
    pub usage: Usage,
    pub unique: Estimate,
    /// The last use of an image or layer; the last change in anything else.
    pub last_used: Timestamp,
    /// The state in a word, if any.
    pub state: &'static str,
    /// Whether it is needed; `None` if unknown, or if it does not apply.
    pub is_active: Option<bool>,
    /// Why it looks dead. Only a person can tell.
    pub looks_dead: Option<String>,
}

impl<'a> Item<'a> {
    pub fn of_row(
        row: &Row<'a>,
        path: PathBuf,
        decision: Option<&Decision>,
        is_used: bool,
    ) -> Self {
        let of = Type::of_entry(&row.entry.kind);
        let (state, is_active) = match of {
            Type::Images if is_used => ("in use", Some(true)),
            Type::Images => (row.status_word(verdict(decision)), Some(!row.is_orphan())),
            Type::Layers => {
                let status = decision.and_then(|decision| decision.layer_status.as_ref());
                let is_part = matches!(status, Some(LayerStatus::Referenced(_)));
                (status.map_or("unknown", LayerStatus::name), Some(is_part))
            }
            Type::Leftovers => {
                let stays = decision.is_some_and(|decision| !decision.verdict.removes());
                (if stays { "" } else { "abandoned" }, Some(stays))
            }
            _ => ("", None),
        };
        let last_used = match of {
            Type::Images | Type::Layers => row.entry.last_used,
            _ => row.last_changed,
        };
        Self {
            of,
            tree: TreeId::from(&row.entry.location),
            name: entry_name(row, decision),
            path,
            usage: row.usage.unwrap_or_default(),
            unique: row.unique.unwrap_or_default(),
            last_used,
            state,
            is_active,
            looks_dead: None,
        }
    }

    pub fn of_beside(item: &'a BesideItem, usage: &CacheUsage) -> Self {
        let (of, measured) = (Type::of_beside(&item.kind), usage.measurement());
        let tree = TreeId::from(&item.tree);
        let is_used = if item.in_use == Some(true) { "in use" } else { "" };
        let (state, is_active) = match &item.kind {
            BesideKind::Other => ("", None),
            BesideKind::Vm(state) => (vm_state(state), Some(*state == VmState::Running)),
            BesideKind::Snapshot { has_sentinel: false } if is_used.is_empty() => {
                ("no sentinel", item.in_use)
            }
            _ => (is_used, item.in_use),
        };
        let name = item.tree.path().file_name().unwrap_or_default();
        Self {
            of,
            tree,
            name: Escaped::new(name).to_string(),
            path: item.tree.path().to_path_buf(),
            usage: measured.usage(tree).unwrap_or_default(),
            unique: measured.unique(tree).unwrap_or_default(),
            last_used: measured.newest_change(tree).unwrap_or(item.modified),
            state,
            is_active,
            looks_dead: looks_dead(item),
        }
    }
}

fn verdict(decision: Option<&Decision>) -> Option<Verdict> {
    decision.map(|decision| decision.verdict)
}

/// The reference of an image, or its digest with a guess for an orphan; the name of anything else.
fn entry_name(row: &Row<'_>, decision: Option<&Decision>) -> String {
    let Some(digest) = row.digest() else { return row.entry.location.to_string() };
    let reference = row.refs.first().map(|found| reference(found));
    let likely = || {
        let is_unreplaced = decision?.verdict.keeps_for(KeepReason::Unreplaced);
        Some(guess(decision?.identity.as_ref()?, is_unreplaced, false))
    };
    match (reference, likely()) {
        (Some(reference), _) => reference,
        (None, Some(likely)) => format!("{} {likely}", digest.short()),
        (None, None) => digest.short(),
    }
}

fn vm_state(state: &VmState) -> &'static str {
    match state {
        VmState::Running => "running",
        VmState::Stopped => "stopped",
        VmState::Crashed { .. } => "crashed",
        VmState::Unknown => "unknown",
    }
}

fn looks_dead(item: &BesideItem) -> Option<String> {
    match &item.kind {
        _ if item.in_use == Some(true) => None,
        BesideKind::Snapshot { has_sentinel: false } => {
            Some("it has no .sentinel file, so a crash may have left it behind".to_owned())
        }
        BesideKind::Vm(VmState::Crashed { pid, kept_for }) => Some(match kept_for {
            Some(file) => format!(
                "its process {pid} is gone, but Brood Box keeps it because data/{file} is larger than 4 KiB"
            ),
            None => format!("its process {pid} is gone: Brood Box removes it at its next start"),
        }),
        _ => None,
    }
}
