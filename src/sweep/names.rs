//! Names of hidden entries, and under which name each can come back.

use crate::cache::{EntryKind, EntryName, Leftover, TRASH_PREFIX};
use crate::plan::{Decision, Item, RemoveReason, Verdict};

/// The name to return an item to if it turns out to be needed; `None` if nothing can make it
/// needed.
pub(super) fn name_if_needed(decision: &Decision) -> Option<&EntryName> {
    match decision.verdict {
        Verdict::Remove(RemoveReason::Purge | RemoveReason::InterruptedGc) => {
            image_if_needed(decision)
        }
        Verdict::Remove(_) => {
            Some(decision.item.image_name().unwrap_or(&decision.item.location().name))
        }
        Verdict::Keep(_) | Verdict::Restore(_) => None,
    }
}

/// The name to return an image to if it turns out to be needed; `None` for any other item and in a
/// purge.
pub(super) fn image_if_needed(decision: &Decision) -> Option<&EntryName> {
    match decision.verdict {
        Verdict::Remove(RemoveReason::Purge) => None,
        _ => decision.item.image_name(),
    }
}

/// Whether a lease protects it.
pub(super) fn heeds_leases(decision: &Decision) -> bool {
    decision.verdict != Verdict::Remove(RemoveReason::Chosen { despite_lease: true })
}

/// Whether it was hidden before this run.
pub(super) fn is_hidden(name: &EntryName) -> bool {
    name.starts_with(TRASH_PREFIX)
}

/// Whether it already has the name from which nothing is restored.
pub(super) fn is_dead(item: &Item) -> bool {
    matches!(item, Item::Entry(entry) if entry.kind == EntryKind::Leftover(Leftover::Dead))
}
