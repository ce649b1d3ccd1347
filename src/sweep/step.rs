//! The steps from a plan to the entries that may be deleted, in their order.

/// One step from a plan to the entries that may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Restores needed entries that an interrupted collection had hidden.
    Restore,
    /// Hides entries, unless they are referenced or leased by now.
    Hide,
    /// Brings back referenced images at once: they should not be missing while others are checked.
    RescueNamed,
    /// Brings back entries that a process uses.
    RescueUsed,
    /// Brings back entries with a mount inside.
    RescueMounted,
    /// Brings back entries that have changed since the plan was made: their owner may be about to
    /// write a ref.
    RescueTouched,
    /// Brings back images that are referenced, waiting for unfinished refs. Also brings back a ref
    /// if its image has come back, or if it was written anew.
    RescueSettled,
    /// Brings back layers that may belong to an image that was brought back.
    RescueLayers,
    /// Gives the remaining images the name from which nothing is restored.
    Condemn,
}

/// All steps, in order.
pub(super) const STEPS: [Step; 9] = [
    Step::Restore,
    Step::Hide,
    Step::RescueNamed,
    Step::RescueUsed,
    Step::RescueMounted,
    Step::RescueTouched,
    Step::RescueSettled,
    Step::RescueLayers,
    Step::Condemn,
];
