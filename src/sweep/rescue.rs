//! The way back: what has turned out to be needed after it was hidden.

use jiff::Timestamp;
use rustix::io::Errno;

use super::outcome::Fate;
use super::trash::{Doomed, Round, Trash, is_in_its_place, rename};
use crate::cache::{Entry, EntryName, Folder, Folders, Location, RefIndex};
use crate::error::Result;
use crate::plan::{KeepReason, Marks, Verdict};

impl Trash<'_> {
    /// Gives the images their names back that an interrupted collection had hidden and that a ref
    /// names.
    pub(super) fn restore(&self, mut round: Round) -> Round {
        let folders = Folders::open(self.cache);
        round.waiting.retain(|&index| {
            let decision = &self.plan.decisions[index];
            let own = decision.item.image_name().filter(|_| decision.verdict == Verdict::Restore);
            own.map(|own| self.restore_one(&folders, index, own)).is_none()
        });
        round
    }

    fn restore_one(&self, folders: &Folders, index: usize, own: &EntryName) {
        let location = self.plan.decisions[index].item.location();
        let folder = folders.get(location.folder).and_then(|folder| folder.ok_or(Errno::NOENT));
        let fate = match folder.and_then(|folder| rename(folder, &location.name, own)) {
            Ok(()) => Fate::Restored,
            // The owner has extracted the image anew; this copy goes next time.
            Err(Errno::EXIST | Errno::NOTEMPTY) => Fate::Kept { why: KeepReason::Referenced },
            Err(cause) => self.failed("rename back", index, cause),
        };
        self.report.settle(index, fate);
    }

    /// What cannot be read at once is left to [`Trash::rescue_settled`].
    pub(super) fn rescue_named(&self, round: Round) -> Round {
        match self.has_images(&round) {
            true => self.put_back_named(round, &self.cache.refs_now()),
            false => round,
        }
    }

    /// # Errors
    /// The refs cannot be read any more; then all images are back in their places.
    pub(super) fn rescue_settled(&self, round: Round) -> Result<Round> {
        if !self.has_images(&round) {
            return Ok(round);
        }
        let refs = self.cache.refs();
        let round = match refs.unreadable.is_empty() {
            true => self.put_back_named(round, &refs),
            false => self.put_back(round, KeepReason::Unknown, |_| true),
        };
        refs.into_readable().map(|_| round)
    }

    pub(super) fn rescue_used(&self, round: Round) -> Round {
        if !self.has_images(&round) {
            return round;
        }
        // Whoever has planned this knows already if nobody can tell who uses what.
        let Ok(users) = self.cache.users() else { return round };
        self.put_back(round, KeepReason::InUse, |entry| {
            let name = entry.name.clone();
            !users.of(&Location { folder: Folder::Root, name }).is_empty()
        })
    }

    /// A rename leaves alone what a directory's own time of change says. What an interrupted
    /// collection had hidden before is gone for its owner, so its times say nothing.
    pub(super) fn rescue_fresh(&self, round: Round) -> Round {
        let now = Timestamp::now();
        self.put_back(round, KeepReason::Recent, |entry| {
            let decision = &self.plan.decisions[entry.decision];
            let status = entry.folder.status_of(entry.name.as_c_str());
            // What cannot be looked at cannot be removed either, and is named then.
            is_in_its_place(decision)
                && status.is_ok_and(|status| Entry::is_fresh_at(status.modified(), now))
        })
    }

    fn put_back_named(&self, round: Round, refs: &RefIndex) -> Round {
        let marks = Marks::new(&refs.refs);
        let is_named =
            |entry: &Doomed| self.own_name(entry).is_some_and(|name| marks.contains(name));
        self.put_back(round, KeepReason::Referenced, is_named)
    }

    /// Renames the images back for which `is_needed` holds.
    fn put_back(
        &self,
        mut round: Round,
        why: KeepReason,
        is_needed: impl Fn(&Doomed) -> bool,
    ) -> Round {
        for entry in std::mem::take(&mut round.doomed) {
            let Some(own) = self.own_name(&entry).filter(|_| is_needed(&entry)) else {
                round.doomed.push(entry);
                continue;
            };
            match rename(&entry.folder, &entry.name, own) {
                Ok(()) => self.report.settle(entry.decision, Fate::Kept { why }),
                // The owner has extracted the image anew: this copy is rubbish.
                Err(Errno::EXIST | Errno::NOTEMPTY) => round.doomed.push(entry),
                Err(cause) => {
                    let fate = self.failed("rename back", entry.decision, cause);
                    self.report.settle(entry.decision, fate);
                }
            }
        }
        round
    }

    /// Whether anything is hidden that may go back.
    fn has_images(&self, round: &Round) -> bool {
        round.doomed.iter().any(|entry| self.own_name(entry).is_some())
    }
}
