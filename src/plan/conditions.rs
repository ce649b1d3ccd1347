//! What a collection has to heed besides the cache itself.

use jiff::{SignedDuration, Timestamp};

use crate::cache::{Entry, Leases, Mounts, Users};

/// The time, the user's wishes, and who needs what at the moment.
#[derive(Debug, Default)]
pub struct Conditions {
    /// The present.
    pub now: Timestamp,
    /// Orphans that were used within this time before `now`, or after it, stay.
    pub keep_recent: Option<SignedDuration>,
    /// Which processes use what.
    pub users: Users,
    /// Which images are leased.
    pub leases: Leases,
    /// Where something is mounted.
    pub mounts: Mounts,
}

impl Conditions {
    /// Only the time.
    pub fn at(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Whether an orphan's last use is too recent to let it go.
    pub fn is_recent(&self, entry: &Entry) -> bool {
        entry.is_fresh(self.now) || self.is_kept(entry)
    }

    /// Whether the user wants to keep it for that reason.
    pub fn is_kept(&self, entry: &Entry) -> bool {
        let age = self.now.duration_since(entry.last_used);
        self.keep_recent.is_some_and(|kept| age < kept)
    }
}
