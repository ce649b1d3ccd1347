//! What a collection has to heed besides the cache itself.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{Activity, LayerChoice, RemoveReason};
use crate::cache::{Entry, Leases, Lifetimes, Location, Mounts, Ref, SETTLED_AGE, Users};

/// How long nothing in an extraction must have changed for it to count as abandoned, by default.
const TEMP_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How old a ref is before nobody is taken to work on its image.
const REF_AGE: SignedDuration = SignedDuration::from_mins(1);

/// The time, the user's wishes, and who needs what at the moment.
///
/// What is not said counts as nothing: of users, leases and mounts as nobody and nowhere, of lifetimes
/// and activity as unknown, so that layers and extractions stay.
///
/// ```
/// use bbox_cache::jiff::{SignedDuration, Timestamp};
/// use bbox_cache::plan::{Conditions, LayerChoice};
///
/// let mut given = Conditions::at(Timestamp::now());
/// given.keep_recent = Some(SignedDuration::from_hours(36));
/// given.layers = LayerChoice::Unreferenced;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Conditions {
    /// The present.
    pub now: Timestamp,
    /// Orphans that were used within this time before `now`, or after it, stay.
    pub keep_recent: Option<SignedDuration>,
    /// Images that were not used within this time before `now` go although refs name them. `None`: none
    /// of them.
    pub unused_for: Option<SignedDuration>,
    /// Images that go although refs name them, so that the cache fits: see [`fit`](super::fit).
    pub evicted: HashSet<Location>,
    /// Which processes use what.
    pub users: Users,
    /// Which images are leased.
    pub leases: Leases,
    /// Where something is mounted.
    pub mounts: Mounts,
    /// How long nothing in an extraction must have changed for it to count as abandoned: a day, unless
    /// you say otherwise.
    pub temp_age: SignedDuration,
    /// Which layers are to go.
    pub layers: LayerChoice,
    /// When images and layers were made. Without, nothing is known of layers.
    pub lifetimes: Lifetimes,
    /// When anybody last worked on the extractions, looked at after `now`. One of which that is not
    /// known is not abandoned.
    pub activity: Activity,
}

impl Conditions {
    /// Only the time: nobody uses or wishes anything.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            keep_recent: None,
            unused_for: None,
            evicted: HashSet::new(),
            users: Users::default(),
            leases: Leases::default(),
            mounts: Mounts::default(),
            temp_age: TEMP_AGE,
            layers: LayerChoice::None,
            lifetimes: Lifetimes::default(),
            activity: Activity::default(),
        }
    }

    /// The conditions for a collection that waits until nothing of an inventory taken at `now` has
    /// arrived just then.
    pub fn settled_after(now: Timestamp) -> Self {
        Self::at(now.checked_add(SETTLED_AGE).unwrap_or(Timestamp::MAX))
    }

    /// Whether an orphan's last use is too recent to let it go.
    pub(crate) fn is_recent(&self, entry: &Entry) -> bool {
        entry.is_fresh(self.now) || self.is_kept(entry)
    }

    /// Whether the user wants to keep it for that reason.
    pub(crate) fn is_kept(&self, entry: &Entry) -> bool {
        let age = self.now.duration_since(entry.last_used);
        self.keep_recent.is_some_and(|kept| age < kept)
    }

    /// Why an image goes although refs name it, if it does.
    pub(crate) fn outweighing(&self, image: &Entry) -> Option<RemoveReason> {
        let age = self.now.duration_since(image.last_used);
        if self.unused_for.is_some_and(|limit| age >= limit) {
            Some(RemoveReason::Unused)
        } else if self.evicted.contains(&image.location) {
            Some(RemoveReason::OverMaxSize)
        } else {
            None
        }
    }

    /// Whether nothing has changed in an extraction for so long that nobody works on it any more.
    pub(crate) fn is_abandoned(&self, extraction: &Location) -> bool {
        let change = self.activity.of(extraction);
        change.is_some_and(|change| self.now.duration_since(change) >= self.temp_age)
    }

    /// Whether a ref is so old that its image is not about to arrive.
    pub(crate) fn is_old(&self, found: &Ref) -> bool {
        self.now.duration_since(found.modified) > REF_AGE
    }
}
