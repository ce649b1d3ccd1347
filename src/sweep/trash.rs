//! Atomic disappearance: the steps of a sweep before anything is deleted.
//!
//! All of them are renames within one folder, so at every instant an entry is whole under its name
//! or not there under its name, whatever happens to this process. The way back is in `rescue.rs`.
//!
//! What the user wants gone whatever speaks for it, and what is no longer whole, has no name to go
//! back to: its [`name_if_needed`] is `None`.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::names::{heeds_leases, image_if_needed, is_dead, is_hidden, name_if_needed};
use super::obstacle::{Attempt, Obstacle};
use super::outcome::{RemovalResult, Report};
use crate::cache::{Cache, Claim, EntryName, Folder, Folders, Location, Ref, RefIndex, TrashStage};
use crate::error::Result;
use crate::fs::{Directory, Kind};
use crate::plan::{Decision, KeepReason, Plan, Reachability};

/// One step on the way from a plan to what may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What an interrupted collection had hidden and somebody needs goes back to its place.
    Restore,
    /// Entries disappear, unless a ref names them by now or they are leased.
    Hide,
    /// What a ref names goes back at once: nobody should miss an image while we look at others.
    RescueNamed,
    /// What a process uses goes back.
    RescueUsed,
    /// What something is mounted in goes back.
    RescueMounted,
    /// What has changed since the plan was made goes back: its owner may be about to write its ref.
    RescueTouched,
    /// What a ref names goes back, even if it had to be waited for; and so does a ref whose image has
    /// come, or that was written anew.
    RescueSettled,
    /// What may belong to an image that has gone back goes back with it.
    RescueLayers,
    /// The images left get the name from which nothing comes back.
    Condemn,
}

/// All steps, in their order.
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

/// More names than anybody makes, but not for ever.
const MOST_NAMES: u32 = 100_000;

/// Something that is to be deleted, out of the way of its readers.
pub(super) struct HiddenEntry {
    /// The place of its decision in the plan.
    pub decision: usize,
    pub folder: Arc<Directory>,
    /// What it is called now.
    pub name: EntryName,
}

/// How far the decisions of one round have come.
#[derive(Default)]
pub(super) struct Round {
    /// In their places.
    pub waiting: Vec<usize>,
    /// Out of the way.
    pub to_remove: Vec<HiddenEntry>,
    /// In their places, since a full disk has no room for another name.
    pub no_room: Vec<(usize, Obstacle)>,
}

/// The renames of one sweep.
pub(super) struct Trash<'a> {
    pub(super) cache: &'a Cache,
    pub(super) plan: &'a Plan,
    pub(super) report: &'a Report<'a>,
    /// The last number that a name needed to be told from others.
    number: Cell<u32>,
}

impl<'a> Trash<'a> {
    pub fn new(cache: &'a Cache, plan: &'a Plan, report: &'a Report<'a>) -> Self {
        Self { cache, plan, report, number: Cell::new(0) }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// Nobody can tell any more what is needed. Then all images are in their places.
    pub fn take(&self, step: Step, round: Round) -> Result<Round> {
        match step {
            Step::Restore => Ok(self.restore(round)),
            Step::Hide => self.hide(round),
            Step::RescueNamed => Ok(self.rescue_named(round)),
            Step::RescueUsed => self.rescue_used(round),
            Step::RescueMounted => self.rescue_mounted(round),
            Step::RescueTouched => Ok(self.rescue_touched(round)),
            Step::RescueSettled => self.rescue_settled(round),
            Step::RescueLayers => Ok(self.rescue_layers(round)),
            Step::Condemn => Ok(self.commit(round)),
        }
    }

    /// The refs, if they matter: what the user wants gone whatever names it goes without a look.
    fn refs(&self) -> Result<RefIndex> {
        if self.plan.removals().any(|decision| image_if_needed(decision).is_some()) {
            self.cache.refs().into_readable()
        } else {
            Ok(RefIndex::default())
        }
    }

    /// The refs that speak for images: all but those that go with theirs. One that is in its place
    /// again after it was hidden is another one.
    pub(super) fn marks<'r>(&self, refs: &'r RefIndex, round: &Round) -> Reachability<'r> {
        let in_place = round.waiting.iter().chain(round.no_room.iter().map(|(index, _)| index));
        let in_place = in_place.map(|&index| self.plan.decisions()[index].item.location());
        let hidden = round.to_remove.iter().map(|entry| Location {
            folder: self.decision(entry).item.location().folder,
            name: entry.name.clone(),
        });
        let going: HashSet<_> = in_place.cloned().chain(hidden).collect();
        let place = |found: &Ref| Location { folder: Folder::Refs, name: found.file.clone() };
        Reachability::new(refs.refs.iter().filter(|found| !going.contains(&place(found))))
    }

    fn hide(&self, mut round: Round) -> Result<Round> {
        let (refs, folders) = (self.refs()?, Folders::open(self.cache));
        let marks = self.marks(&refs, &round);
        for index in std::mem::take(&mut round.waiting) {
            let decision = &self.plan.decisions()[index];
            let is_named = image_if_needed(decision).is_some_and(|name| marks.contains(name));
            if is_named && decision.item.is_image_in_place() {
                self.report.settle(index, RemovalResult::Kept { why: KeepReason::Referenced });
                continue;
            }
            match self.hide_one(&folders, decision) {
                Ok(Hiding::Hidden(folder, name)) => {
                    round.to_remove.push(HiddenEntry { decision: index, folder, name });
                }
                Ok(Hiding::Kept(why)) => self.report.settle(index, RemovalResult::Kept { why }),
                Err(obstacle) if obstacle.is_full_disk() => round.no_room.push((index, obstacle)),
                Err(obstacle) => self.give_up(index, obstacle),
            }
        }
        Ok(round)
    }

    fn hide_one(&self, folders: &Folders, decision: &Decision) -> Result<Hiding, Obstacle> {
        let location = decision.item.location();
        let folder = folders.get(location.folder).and_then(|folder| folder.ok_or(Errno::NOENT));
        let (folder, name) = (Arc::clone(folder.attempt("open the folder of")?), &location.name);
        let renamed = match name_if_needed(decision) {
            // One step removes what is not a directory; that of another run was hidden by it.
            None if !is_directory(&folder, name).attempt("look at")? => name.clone(),
            None if is_dead(&decision.item) => name.clone(),
            None => {
                let own = decision.item.image_name().unwrap_or(name);
                self.rename_to(&folder, name, own, TrashStage::Dead).attempt("rename")?
            }
            Some(_) if is_hidden(name) => name.clone(),
            Some(_) if decision.item.is_image_in_place() && heeds_leases(decision) => {
                match Claim::new(&folder, name).attempt("lock")? {
                    Claim::Leased => return Ok(Hiding::Kept(KeepReason::Leased)),
                    // Held until the image cannot be found any more.
                    Claim::Granted { .. } => return self.hide_in(folder, name),
                }
            }
            Some(_) => return self.hide_in(folder, name),
        };
        Ok(Hiding::Hidden(folder, renamed))
    }

    fn hide_in(&self, folder: Arc<Directory>, name: &EntryName) -> Result<Hiding, Obstacle> {
        match self.rename_to(&folder, name, name, TrashStage::Hidden) {
            Err(Errno::BUSY) => Ok(Hiding::Kept(KeepReason::Mount)),
            renamed => Ok(Hiding::Hidden(folder, renamed.attempt("rename")?)),
        }
    }

    fn rename_to(
        &self,
        folder: &Directory,
        name: &EntryName,
        own: &EntryName,
        stage: TrashStage,
    ) -> rustix::io::Result<EntryName> {
        let mut number = 0;
        for _ in 0..MOST_NAMES {
            let trash = stage.name_of(own, number);
            match rename(folder, name, &trash) {
                Ok(()) => return Ok(trash),
                Err(Errno::EXIST | Errno::NOTEMPTY) => {
                    number = self.number.get() + 1;
                    self.number.set(number);
                }
                Err(cause) => return Err(cause),
            }
        }
        Err(Errno::EXIST)
    }

    fn commit(&self, mut round: Round) -> Round {
        for entry in std::mem::take(&mut round.to_remove) {
            // Whatever else has been hidden counts as dead for the next collection anyway.
            let Some(own) = image_if_needed(self.decision(&entry)) else {
                round.to_remove.push(entry);
                continue;
            };
            let renamed = self.rename_to(&entry.folder, &entry.name, own, TrashStage::Dead);
            match renamed.attempt("rename") {
                Ok(name) => round.to_remove.push(HiddenEntry { name, ..entry }),
                Err(obstacle) if obstacle.is_full_disk() && self.unhide(&entry) => {
                    round.no_room.push((entry.decision, obstacle));
                }
                Err(obstacle) => self.report_obstacle(&entry, obstacle),
            }
        }
        round
    }

    /// Gives what was hidden by this run its place back. Whether it is where the plan has found it.
    pub(super) fn unhide(&self, entry: &HiddenEntry) -> bool {
        let place = &self.decision(entry).item.location().name;
        *place == entry.name || rename(&entry.folder, &entry.name, place).is_ok()
    }

    /// Ends a round before anything of it was deleted, because a signal has come. What cannot go
    /// back to its place is found by the next collection.
    pub fn abandon(&self, round: &Round) {
        for entry in &round.to_remove {
            if name_if_needed(self.decision(entry)).is_some() {
                self.unhide(entry);
            }
        }
        let to_remove = round.to_remove.iter().map(|entry| entry.decision);
        let no_room = round.no_room.iter().map(|(index, _)| *index);
        for index in round.waiting.iter().copied().chain(to_remove).chain(no_room) {
            self.report.settle(index, RemovalResult::Interrupted { freed: ByteSize::b(0) });
        }
    }

    /// Reports that an item could not be hidden.
    pub fn give_up(&self, index: usize, obstacle: Obstacle) {
        let location = self.plan.decisions()[index].item.location();
        self.report.settle(index, obstacle.fate(self.cache, location, &location.name));
    }

    /// The same for one that is called otherwise by now.
    pub(super) fn report_obstacle(&self, entry: &HiddenEntry, obstacle: Obstacle) {
        let location = self.decision(entry).item.location();
        self.report.settle(entry.decision, obstacle.fate(self.cache, location, &entry.name));
    }

    pub(super) fn decision(&self, entry: &HiddenEntry) -> &'a Decision {
        &self.plan.decisions()[entry.decision]
    }
}

/// What has come of hiding one item.
enum Hiding {
    Hidden(Arc<Directory>, EntryName),
    Kept(KeepReason),
}

pub(super) fn rename(
    folder: &Directory,
    from: &EntryName,
    to: &EntryName,
) -> rustix::io::Result<()> {
    folder.rename(from.as_c_str(), folder, to.as_c_str())
}

fn is_directory(folder: &Directory, name: &EntryName) -> rustix::io::Result<bool> {
    Ok(folder.status_of(name.as_c_str())?.kind == Kind::Directory)
}
