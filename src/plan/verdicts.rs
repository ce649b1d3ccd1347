//! The verdict of a gc on each entry but the layers.

use std::collections::HashSet;

use super::evidence::Evidence;
use super::older_build::Builds;
use super::options::GcOptions;
use super::reachability::Reachability;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::unreplaced::unreplaced;
use crate::cache::{Digest, Entry, EntryKind, Inventory, Leftover, Location, UsingProcess};

/// What the verdicts depend on.
pub(super) struct Collection<'a> {
    pub inventory: &'a Inventory,
    pub options: &'a GcOptions,
    pub evidence: &'a Evidence,
    pub reachability: Reachability<'a>,
    /// Without the refs that an interrupted gc had hidden: they share the fate of their images.
    pub own: Reachability<'a>,
    /// The images under their own names, including those to be restored.
    pub in_place: HashSet<&'a Digest>,
    /// The orphans kept because nothing has replaced them.
    pub unreplaced: HashSet<&'a Location>,
}

impl<'a> Collection<'a> {
    pub fn verdict(&mut self, entry: &'a Entry) -> Verdict {
        match &entry.kind {
            EntryKind::Image(_) => self.image(entry),
            EntryKind::Leftover(Leftover::Hidden(digest)) => self.hidden(entry, digest),
            EntryKind::Leftover(Leftover::Dead) => Verdict::Remove(RemoveReason::InterruptedGc),
            EntryKind::Leftover(Leftover::Extraction) => self.extraction(entry),
            // Layers are decided after everything else, foreign entries never.
            EntryKind::Layer(_) | EntryKind::Foreign => Verdict::Keep(KeepReason::Unknown),
        }
    }

    fn image(&self, entry: &Entry) -> Verdict {
        let keep = match (self.is_orphan(entry), self.unreplaced.contains(&entry.location)) {
            (false, _) => Some(KeepReason::Referenced),
            (true, true) => Some(KeepReason::Unreplaced),
            (true, false) => None,
        };
        if keep.is_none() && self.needed(entry).is_none() && self.is_begun(entry) {
            // It is no longer whole, and looks recent only because files were removed from it.
            return Verdict::Remove(RemoveReason::InterruptedGc);
        }
        let reason = if keep.is_some() { self.wish(entry) } else { Some(RemoveReason::Orphan) };
        match (keep, reason, self.keeps_for_now(entry)) {
            (Some(keep), None, _) => Verdict::Keep(keep),
            (_, _, Some(why)) => Verdict::Keep(why),
            (_, reason, None) => Verdict::Remove(reason.unwrap_or(RemoveReason::Orphan)),
        }
    }

    /// Whether it is an image without a reference.
    pub fn is_orphan(&self, entry: &Entry) -> bool {
        matches!(&entry.kind, EntryKind::Image(digest) if !self.reachability.contains(digest.entry_name()))
    }

    /// Why an image must be kept right now, referenced or not.
    fn keeps_for_now(&self, entry: &Entry) -> Option<KeepReason> {
        let is_arriving = self.is_orphan(entry) && self.evidence.is_arriving(entry);
        let recent = self.is_recent(entry).then_some(KeepReason::Recent);
        self.needed(entry).or(recent).or(is_arriving.then_some(KeepReason::Arriving))
    }

    pub fn find_unreplaced(&self, builds: &Builds<'_>) -> HashSet<&'a Location> {
        if self.options.all {
            return HashSet::new();
        }
        let images = self.inventory.images().map(|(image, _)| image);
        let holds_mount = |image: &Entry| {
            self.evidence
                .mounts
                .as_ref()
                .is_some_and(|mounts| mounts.get(&image.location).is_some())
        };
        let goes = |image: &&Entry| self.keeps_for_now(image).is_none() && !holds_mount(image);
        let (orphans, staying): (Vec<_>, Vec<_>) = images
            .filter(|image| !self.is_begun(image))
            .partition(|image| self.is_orphan(image) && goes(image));
        let goes_by_wish = |image: &&Entry| self.wish(image).is_some() && goes(image);
        let staying = staying.into_iter().filter(|image| !goes_by_wish(image));
        let staying = staying.map(|image| &image.location).collect();
        unreplaced(orphans, staying, builds, self.evidence)
    }

    /// Why an image is removed although it is referenced or unreplaced, if it is.
    fn wish(&self, image: &Entry) -> Option<RemoveReason> {
        let age = self.evidence.now.duration_since(image.last_used);
        if self.options.keep_wanted || self.is_excluded(image) {
            None
        } else if self.options.unused_for.is_some_and(|limit| age >= limit) {
            Some(RemoveReason::Unused)
        } else if self.options.evicted.contains(&image.location) {
            Some(self.options.reason_to_evict())
        } else {
            None
        }
    }

    fn is_excluded(&self, image: &Entry) -> bool {
        let names = self.reachability.get(&image.location.name);
        let mut names = names.iter().filter_map(|found| found.image.as_deref());
        names.any(|name| self.options.exclude.iter().any(|pattern| pattern.matches(name)))
    }

    fn is_begun(&self, entry: &Entry) -> bool {
        self.inventory.begun.contains(&entry.location)
    }

    fn is_recent(&self, entry: &Entry) -> bool {
        self.options.is_recent(entry.last_used, self.evidence.now)
    }

    fn extraction(&self, entry: &Entry) -> Verdict {
        let age = self
            .evidence
            .activity
            .get(&entry.location)
            .map(|change| self.evidence.now.duration_since(change));
        match (self.evidence.in_use.as_ref(), age) {
            (_, Some(age)) if age < self.options.temp_age && !self.options.temp_age.is_zero() => {
                Verdict::Keep(KeepReason::Recent)
            }
            (Some(_), _) if !self.users(entry).is_empty() => Verdict::Keep(KeepReason::InUse),
            (Some(_), Some(_)) => Verdict::Remove(RemoveReason::AbandonedTemp),
            _ => Verdict::Keep(KeepReason::Unknown),
        }
    }

    /// A needed image is restored, unless another copy has taken its place.
    fn hidden(&mut self, entry: &Entry, digest: &'a Digest) -> Verdict {
        let is_used = !self.evidence.users(&entry.location).is_empty();
        let reason = if self.own.contains(digest.entry_name()) {
            Some(KeepReason::Referenced)
        } else {
            self.needed(entry)
        };
        let recent = self.is_recent(entry).then_some(KeepReason::Recent);
        match reason.or(recent) {
            Some(KeepReason::Unknown) => Verdict::Keep(KeepReason::Unknown),
            Some(reason) if self.in_place.insert(digest) => Verdict::Restore(reason),
            _ if is_used => Verdict::Keep(KeepReason::InUse),
            _ => Verdict::Remove(RemoveReason::InterruptedGc),
        }
    }

    /// Why a whole image is needed even without a readable ref.
    fn needed(&self, entry: &Entry) -> Option<KeepReason> {
        if !self.inventory.refs.unreadable.is_empty() {
            Some(KeepReason::Unknown)
        } else if self.evidence.leases.contains(&entry.location.name) {
            Some(KeepReason::Leased)
        } else if !self.users(entry).is_empty() {
            Some(KeepReason::InUse)
        } else if self.evidence.in_use.is_none() {
            Some(KeepReason::Unknown)
        } else {
            None
        }
    }

    /// The processes that use an entry. A process started with an image's path still refers to the
    /// name from before the image was hidden.
    pub fn users(&self, entry: &Entry) -> Vec<UsingProcess> {
        let mut users = self.evidence.users(&entry.location).to_vec();
        if let EntryKind::Leftover(Leftover::Hidden(digest)) = &entry.kind
            && !self.inventory.images().any(|(_, image)| image == digest)
        {
            let name = digest.entry_name().clone();
            users.extend_from_slice(self.evidence.users(&Location { name, ..entry.location }));
            users.sort();
            users.dedup();
        }
        users
    }
}
