//! The way back for entries that turn out to be needed after they were hidden.

use std::collections::HashSet;

use rustix::io::Errno;

use super::names::{heeds_leases, image_if_needed, name_if_needed};
use super::obstacle::{Attempt, Obstacle};
use super::outcome::RemovalResult;
use super::trash::{HiddenEntry, Round, Trash, is_touched, rename};
use crate::cache::{Digest, EntryName, Folders, Location, RefIndex, RefProblem};
use crate::error::{Error, Result};
use crate::plan::{Decision, Item, KeepReason, RemoveReason, Verdict};

impl Trash<'_> {
    /// Restores needed images that an interrupted collection had hidden.
    pub(super) fn restore(&self, mut round: Round) -> Round {
        let folders = Folders::open(self.cache);
        round.waiting.retain(|&index| {
            let decision = &self.plan.decisions()[index];
            match (decision.verdict, decision.item.restored_name()) {
                (Verdict::Restore(why), Some(own)) => {
                    self.restore_one(&folders, index, &own, why);
                    false
                }
                _ => true,
            }
        });
        round
    }

    fn restore_one(&self, folders: &Folders, index: usize, own: &EntryName, why: KeepReason) {
        let location = self.plan.decisions()[index].item.location();
        let folder = folders.get(location.folder).and_then(|folder| folder.ok_or(Errno::NOENT));
        match folder.and_then(|folder| rename(folder, &location.name, own)) {
            Ok(()) => self.report.settle(index, RemovalResult::Restored),
            // The owner has extracted the image again. The next collection removes this copy.
            Err(Errno::EXIST | Errno::NOTEMPTY) => {
                self.report.settle(index, RemovalResult::Kept { why });
            }
            Err(cause) => self.give_up(index, Obstacle { operation: BRING_BACK, cause }),
        }
    }

    /// References that cannot be read at once are left to [`Trash::rescue_settled`].
    pub(super) fn rescue_named(&self, round: Round) -> Round {
        if round.to_remove.iter().any(|entry| image_if_needed(self.decision(entry)).is_some()) {
            self.put_back_named(round, &self.cache.refs_now())
        } else {
            round
        }
    }

    pub(super) fn rescue_settled(&self, round: Round) -> Result<Round> {
        if !self.may_return(&round) {
            return Ok(round);
        }
        match self.cache.refs().into_readable() {
            Ok(refs) => {
                let round = self.put_back_named(round, &refs);
                Ok(self.put_back_refs(round, &refs))
            }
            Err(error) => self.put_back_all(round, error),
        }
    }

    /// If an image is kept after all, it may use any layer that was to be removed with it. If an
    /// image waits for another round, so do the layers.
    pub(super) fn rescue_layers(&self, round: Round) -> Round {
        let unreferenced = Verdict::Remove(RemoveReason::UnreferencedLayer);
        let is_layer = |entry: &HiddenEntry| self.decision(entry).verdict == unreferenced;
        if self.an_image_stays() {
            return self.put_back(round, KeepReason::Referenced, is_layer);
        }
        let is_image = |index: usize| image_if_needed(&self.plan.decisions()[index]).is_some();
        let mut waiting = round.not_renamed.iter().filter(|(index, _)| is_image(*index));
        match waiting.next().map(|(_, obstacle)| *obstacle) {
            Some(obstacle) => self.postpone(round, |entry, _| is_layer(entry).then_some(obstacle)),
            None => round,
        }
    }

    fn an_image_stays(&self) -> bool {
        let is_image =
            |decision: &Decision| decision.verdict.removes() && image_if_needed(decision).is_some();
        let mut decisions = self.plan.decisions().iter().enumerate();
        decisions.any(|(place, decision)| is_image(decision) && self.report.stays(place))
    }

    /// A process started with the image's path still refers to the old name.
    pub(super) fn rescue_used(&self, round: Round) -> Result<Round> {
        if !self.may_return(&round) {
            return Ok(round);
        }
        let users = match self.cache.users() {
            Ok(Some(users)) => users,
            Ok(None) => return Ok(self.put_back_entries(round)),
            Err(error) => return self.put_back_all(round, error),
        };
        Ok(self.put_back(round, KeepReason::InUse, |entry| {
            let folder = self.decision(entry).item.location().folder;
            let heeds_leases = heeds_leases(self.decision(entry));
            let is_used = |name: &EntryName| {
                let users = users.get(&Location { folder, name: name.clone() });
                users.iter().any(|user| heeds_leases || !user.holds_lease)
            };
            is_used(&entry.name) || name_if_needed(self.decision(entry)).is_some_and(is_used)
        }))
    }

    pub(super) fn rescue_mounted(&self, round: Round) -> Result<Round> {
        if !self.may_return(&round) {
            return Ok(round);
        }
        match self.cache.mounts() {
            Ok(Some(mounts)) => Ok(self.put_back(round, KeepReason::Mount, |entry| {
                let folder = self.decision(entry).item.location().folder;
                mounts.get(&Location { folder, name: entry.name.clone() }).is_some()
            })),
            Ok(None) => Ok(self.put_back_entries(round)),
            Err(error) => self.put_back_all(round, error),
        }
    }

    /// A rename does not change the modification time of the directory itself.
    pub(super) fn rescue_touched(&self, round: Round) -> Round {
        self.put_back(round, KeepReason::Recent, |entry| {
            is_touched(&entry.folder, &entry.name, self.decision(entry))
        })
    }

    fn put_back_named(&self, round: Round, refs: &RefIndex) -> Round {
        let marks = self.marks(refs, &round);
        self.put_back(round, KeepReason::Referenced, |entry| {
            image_if_needed(self.decision(entry)).is_some_and(|name| marks.contains(name))
        })
    }

    /// The owner writes a ref once its image is in place. So if a process had opened this ref
    /// before it was hidden, its image is visible by now. An image that is kept keeps its refs.
    fn put_back_refs(&self, round: Round, refs: &RefIndex) -> Round {
        // If the file system could not rename an image, its refs wait for the next round with it.
        let round = self.postpone(round, |entry, round| self.obstacle_before(entry, round));
        let in_place = round.to_remove.iter().filter(|entry| entry.in_place.is_some());
        let in_place: HashSet<_> = in_place.map(|entry| entry.name.clone()).collect();
        let is_going = |digest: &Digest| in_place.contains(digest.entry_name());
        self.put_back(round, KeepReason::Recent, |entry| {
            let Item::Ref { digest, .. } = &self.decision(entry).item else { return false };
            let Some(digest) = digest else { return !is_empty(refs, &entry.name) };
            let mut found = refs.refs.iter().filter(|found| found.file == entry.name);
            !(found.any(|found| found.digest == *digest)
                && (is_going(digest) || self.is_absent(digest)))
        })
    }

    /// Postpones every entry with an `obstacle` to the next round.
    fn postpone(
        &self,
        mut round: Round,
        obstacle: impl Fn(&HiddenEntry, &Round) -> Option<Obstacle>,
    ) -> Round {
        for entry in std::mem::take(&mut round.to_remove) {
            match obstacle(&entry, &round) {
                Some(obstacle) if self.unhide(&entry) => {
                    round.not_renamed.push((entry.decision, obstacle));
                }
                _ => round.to_remove.push(entry),
            }
        }
        round
    }

    /// Why the image of a hidden ref is still in its place.
    fn obstacle_before(&self, entry: &HiddenEntry, round: &Round) -> Option<Obstacle> {
        let Item::Ref { digest: Some(digest), .. } = &self.decision(entry).item else {
            return None;
        };
        let image = |index: usize| image_if_needed(&self.plan.decisions()[index]);
        let mut waiting = round.not_renamed.iter();
        let found = waiting.find(|(index, _)| image(*index) == Some(digest.entry_name()));
        found.map(|(_, obstacle)| *obstacle)
    }

    fn is_absent(&self, image: &Digest) -> bool {
        let found = self.cache.root().status_of(image.entry_name().as_c_str());
        found.is_err_and(|cause| cause == Errno::NOENT)
    }

    /// The system no longer tells which entries are in use, so all of them count as needed.
    fn put_back_entries(&self, round: Round) -> Round {
        self.put_back(round, KeepReason::Unknown, |entry| {
            matches!(self.decision(entry).item, Item::Entry(_))
        })
    }

    /// It is unknown what is needed, so everything is.
    fn put_back_all(&self, round: Round, error: Error) -> Result<Round> {
        self.put_back(round, KeepReason::Unknown, |_| true);
        Err(error)
    }

    /// Renames back every entry for which `is_needed` is true.
    fn put_back(
        &self,
        mut round: Round,
        why: KeepReason,
        is_needed: impl Fn(&HiddenEntry) -> bool,
    ) -> Round {
        for entry in std::mem::take(&mut round.to_remove) {
            let Some(own) = name_if_needed(self.decision(&entry)).filter(|_| is_needed(&entry))
            else {
                round.to_remove.push(entry);
                continue;
            };
            let renamed =
                if entry.name == *own { Ok(()) } else { rename(&entry.folder, &entry.name, own) };
            match renamed.attempt(BRING_BACK) {
                Ok(()) => self.report.settle(entry.decision, RemovalResult::Kept { why }),
                // The owner has made it again. Then this copy is garbage, unless a process uses
                // this very copy.
                Err(Obstacle { cause: Errno::EXIST | Errno::NOTEMPTY, .. }) => match why {
                    KeepReason::InUse | KeepReason::Mount => {
                        self.report.settle(entry.decision, RemovalResult::Kept { why });
                    }
                    _ => round.to_remove.push(entry),
                },
                Err(obstacle) => self.report_obstacle(&entry, obstacle),
            }
        }
        round
    }

    /// Whether anything is hidden that may be brought back.
    fn may_return(&self, round: &Round) -> bool {
        round.to_remove.iter().any(|entry| name_if_needed(self.decision(entry)).is_some())
    }
}

/// Whether a reference is still empty.
fn is_empty(refs: &RefIndex, file: &EntryName) -> bool {
    let mut empty = refs.invalid.iter().filter(|found| found.problem == RefProblem::Empty);
    empty.any(|found| found.file == *file)
}

const BRING_BACK: &str = "restore";
