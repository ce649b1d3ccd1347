//! The way back: what has turned out to be needed after it was hidden.

use rustix::io::Errno;

use super::obstacle::{Attempt, Obstacle};
use super::outcome::Fate;
use super::trash::{Doomed, Round, Trash, rename};
use crate::cache::{EntryName, Folder, Folders, Location, RefIndex};
use crate::error::{Error, Result};
use crate::plan::{Item, KeepReason, Marks, Verdict};

impl Trash<'_> {
    /// Gives the images their names back that an interrupted collection had hidden and somebody
    /// needs.
    pub(super) fn restore(&self, mut round: Round) -> Round {
        let folders = Folders::open(self.cache);
        round.waiting.retain(|&index| {
            let decision = &self.plan.decisions[index];
            match (decision.verdict, decision.item.image_name()) {
                (Verdict::Restore(why), Some(own)) => {
                    self.restore_one(&folders, index, own, why);
                    false
                }
                _ => true,
            }
        });
        round
    }

    fn restore_one(&self, folders: &Folders, index: usize, own: &EntryName, why: KeepReason) {
        let location = self.plan.decisions[index].item.location();
        let folder = folders.get(location.folder).and_then(|folder| folder.ok_or(Errno::NOENT));
        match folder.and_then(|folder| rename(folder, &location.name, own)) {
            Ok(()) => self.report.settle(index, Fate::Restored),
            // The owner has extracted the image anew; this copy goes next time.
            Err(Errno::EXIST | Errno::NOTEMPTY) => {
                self.report.settle(index, Fate::Kept { why });
            }
            Err(cause) => self.give_up(index, Obstacle { operation: BRING_BACK, cause }),
        }
    }

    /// What cannot be read at once is left to [`Trash::rescue_settled`].
    pub(super) fn rescue_named(&self, round: Round) -> Round {
        match self.has_images(&round) {
            true => self.put_back_named(round, &self.cache.refs_now()),
            false => round,
        }
    }

    pub(super) fn rescue_settled(&self, round: Round) -> Result<Round> {
        if !self.has_images(&round) {
            return Ok(round);
        }
        match self.cache.refs().into_readable() {
            Ok(refs) => Ok(self.put_back_named(round, &refs)),
            Err(error) => self.put_back_all(round, error),
        }
    }

    /// Whoever was told the name of an image does not learn that it was hidden.
    pub(super) fn rescue_used(&self, round: Round) -> Result<Round> {
        if !self.has_images(&round) {
            return Ok(round);
        }
        let users = match self.cache.users() {
            Ok(Some(users)) => users,
            // Whoever has planned this knows that the system does not tell.
            Ok(None) => return Ok(round),
            Err(error) => return self.put_back_all(round, error),
        };
        let is_used = |name: &EntryName| {
            let location = Location { folder: Folder::Root, name: name.clone() };
            !users.of(&location).is_empty()
        };
        Ok(self.put_back(round, KeepReason::InUse, |entry| {
            is_used(&entry.name) || self.own_name(entry).is_some_and(is_used)
        }))
    }

    pub(super) fn rescue_mounted(&self, round: Round) -> Result<Round> {
        if !self.has_images(&round) {
            return Ok(round);
        }
        match self.cache.mounts() {
            Ok(mounts) => Ok(self.put_back(round, KeepReason::Mount, |entry| {
                let folder = self.plan.decisions[entry.decision].item.location().folder;
                mounts.of(&Location { folder, name: entry.name.clone() }).is_some()
            })),
            Err(error) => self.put_back_all(round, error),
        }
    }

    /// A rename leaves alone what a directory's own time of change says. What an interrupted
    /// collection had hidden before is gone for its owner, so its times say nothing.
    pub(super) fn rescue_touched(&self, round: Round) -> Round {
        self.put_back(round, KeepReason::Recent, |entry| {
            let item = &self.plan.decisions[entry.decision].item;
            let Item::Entry(planned) = item else { return false };
            let status = entry.folder.status_of(entry.name.as_c_str());
            // What cannot be looked at cannot be removed either, and is named then.
            item.is_image_in_place()
                && status.is_ok_and(|status| status.modified() != planned.last_used)
        })
    }

    fn put_back_named(&self, round: Round, refs: &RefIndex) -> Round {
        let marks = Marks::new(&refs.refs);
        let is_named =
            |entry: &Doomed| self.own_name(entry).is_some_and(|name| marks.contains(name));
        self.put_back(round, KeepReason::Referenced, is_named)
    }

    /// Nobody can tell what is needed: so everything is.
    fn put_back_all(&self, round: Round, error: Error) -> Result<Round> {
        self.put_back(round, KeepReason::Unknown, |_| true);
        Err(error)
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
            match rename(&entry.folder, &entry.name, own).attempt(BRING_BACK) {
                Ok(()) => self.report.settle(entry.decision, Fate::Kept { why }),
                // The owner has extracted the image anew. Then this copy is rubbish, unless somebody is
                // in this very copy.
                Err(Obstacle { cause: Errno::EXIST | Errno::NOTEMPTY, .. }) => match why {
                    KeepReason::InUse | KeepReason::Mount => {
                        self.report.settle(entry.decision, Fate::Kept { why });
                    }
                    _ => round.doomed.push(entry),
                },
                Err(obstacle) => self.report_obstacle(&entry, obstacle),
            }
        }
        round
    }

    /// Whether anything is hidden that may go back.
    fn has_images(&self, round: &Round) -> bool {
        round.doomed.iter().any(|entry| self.own_name(entry).is_some())
    }
}

const BRING_BACK: &str = "bring back";
