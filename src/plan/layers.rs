//! Verdicts on layers.
//!
//! Losing a layer is never harmful: the next pull that needs it extracts it again. So a user may
//! remove all of them, but a request for unreferenced layers keeps those that may be needed.

use super::options::LayerChoice;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::timeline::LayerStatus;

/// The verdict on a layer with this status. `is_used`: a process uses it, `None` if unknown.
/// `is_pulled`: a pull in progress may use it. `is_recent`: it was used too recently to be removed.
pub(super) fn verdict(
    layer_status: &LayerStatus,
    choice: LayerChoice,
    is_used: Option<bool>,
    is_pulled: bool,
    is_recent: bool,
) -> Verdict {
    let reason = match (choice, layer_status) {
        (LayerChoice::All | LayerChoice::Unreferenced, LayerStatus::Unreferenced) => {
            RemoveReason::UnreferencedLayer
        }
        (LayerChoice::All, _) if is_pulled => return Verdict::Keep(KeepReason::InUse),
        (LayerChoice::All, _) => RemoveReason::LayerCache,
        (_, LayerStatus::Referenced(_)) => return Verdict::Keep(KeepReason::Referenced),
        (_, LayerStatus::Unknown(_)) => return Verdict::Keep(KeepReason::Unknown),
        (LayerChoice::None, LayerStatus::Unreferenced) => {
            return Verdict::Keep(KeepReason::Unreferenced);
        }
    };
    match is_used {
        Some(true) => Verdict::Keep(KeepReason::InUse),
        _ if is_recent => Verdict::Keep(KeepReason::Recent),
        Some(false) => Verdict::Remove(reason),
        None => Verdict::Keep(KeepReason::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{UnknownLayer, UnknownReason};

    #[test]
    fn layers_in_use_are_kept_and_others_follow_the_options() {
        use KeepReason::{InUse, Referenced, Unknown, Unreferenced};
        use LayerChoice::{All, None};
        use RemoveReason::{LayerCache, UnreferencedLayer};
        use Verdict::{Keep, Remove};
        let unknown_layer = UnknownLayer { reason: UnknownReason::NoBirth, image: Option::None };
        let referenced = LayerStatus::Referenced(1);
        let (unreferenced, unknown) =
            (LayerStatus::Unreferenced, LayerStatus::Unknown(unknown_layer));
        for (layer_status, choice, is_used, is_pulled, expected) in [
            (&referenced, None, false, false, Keep(Referenced)),
            (&referenced, LayerChoice::Unreferenced, true, true, Keep(Referenced)),
            (&referenced, All, false, false, Remove(LayerCache)),
            (&referenced, All, false, true, Keep(InUse)),
            (&referenced, All, true, false, Keep(InUse)),
            (&unreferenced, None, false, false, Keep(Unreferenced)),
            (&unreferenced, LayerChoice::Unreferenced, false, false, Remove(UnreferencedLayer)),
            (&unreferenced, LayerChoice::Unreferenced, true, false, Keep(InUse)),
            (&unreferenced, All, false, false, Remove(UnreferencedLayer)),
            (&unreferenced, All, true, false, Keep(InUse)),
            (&unknown, None, false, false, Keep(Unknown)),
            (&unknown, LayerChoice::Unreferenced, false, false, Keep(Unknown)),
            (&unknown, All, false, false, Remove(LayerCache)),
            (&unknown, All, false, true, Keep(InUse)),
        ] {
            let found = verdict(layer_status, choice, Some(is_used), is_pulled, false);
            assert_eq!(found, expected, "{layer_status:?} {choice:?} {is_used} {is_pulled}");
            let unknown = verdict(layer_status, choice, Option::None, is_pulled, false);
            let recent = verdict(layer_status, choice, Some(is_used), is_pulled, true);
            assert!(!recent.removes(), "{layer_status:?} {choice:?} {is_pulled}");
            assert!(!unknown.removes(), "{layer_status:?} {choice:?} {is_pulled}");
        }
    }
}
