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
use super::obstacle::{Attempt, Obstacle, RENAME};
use super::outcome::{RemovalResult, Report};
use crate::cache::{Cache, Claim, EntryName, Folder, Folders, Location, Ref, RefIndex, TrashStage};
use crate::error::Result;
use crate::fs::{Directory, Kind};
use crate::plan::{Decision, Item, KeepReason, Plan, Reachability, RemoveReason, Verdict};

/// One step on the way from a plan to what may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An entry that an interrupted collection had hidden and that is needed goes back to its place.
    Restore,
    /// Entries disappear, unless a ref names them by now or they are leased.
    Hide,
    /// A referenced image goes back at once: it should not be missing while we look at others.
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

/// More names than occur in practice, but not for ever.
const MOST_NAMES: u32 = 100_000;

/// Something that is to be deleted, out of the way of its readers unless it goes in place.
pub(super) struct HiddenEntry {
    /// The place of its decision in the plan.
    pub decision: usize,
    pub folder: Arc<Directory>,
    /// What it is called now.
    pub name: EntryName,
    /// Set if it could not be hidden and goes in place. Holds the lock of an image, so that it
    /// cannot be leased meanwhile.
    pub in_place: Option<Claim>,
}

/// How far the decisions of one round have come.
#[derive(Default)]
pub(super) struct Round {
    /// In their places.
    pub waiting: Vec<usize>,
    /// Out of the way.
    pub to_remove: Vec<HiddenEntry>,
    /// In their places, since the file system does not rename them.
    pub not_renamed: Vec<(usize, Obstacle)>,
    /// Whether they are removed without being hidden.
    pub in_place: bool,
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
    /// It is no longer known what is needed. Then all images are in their places.
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
        let in_place = round.waiting.iter().chain(round.not_renamed.iter().map(|(index, _)| index));
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
            match self.hide_one(&folders, index, round.in_place) {
                Ok(Hiding::Hidden(entry)) => round.to_remove.push(entry),
                Ok(Hiding::Kept(why)) => self.report.settle(index, RemovalResult::Kept { why }),
                Err(obstacle) if obstacle.forbids_only_renames() => {
                    round.not_renamed.push((index, obstacle));
                }
                Err(obstacle) => self.give_up(index, obstacle),
            }
        }
        Ok(round)
    }

    fn hide_one(
        &self,
        folders: &Folders,
        index: usize,
        in_place: bool,
    ) -> Result<Hiding, Obstacle> {
        let decision = &self.plan.decisions()[index];
        let location = decision.item.location();
        let folder = folders.get(location.folder).and_then(|folder| folder.ok_or(Errno::NOENT));
        let (folder, name) = (Arc::clone(folder.attempt("open the folder of")?), &location.name);
        let claim = match claim(&folder, decision).attempt("lock")? {
            Claim::Leased => return Ok(Hiding::Kept(KeepReason::Leased)),
            // Held until the image cannot be found any more.
            granted @ Claim::Granted { .. } => granted,
        };
        if name_if_needed(decision).is_some() && is_touched(&folder, name, decision) {
            return Ok(Hiding::Kept(KeepReason::Recent));
        }
        let hidden = match in_place {
            true => Err(None),
            false => self.rename_out_of_the_way(&folder, decision).map_err(Some),
        };
        let (name, in_place) = match hidden {
            Ok(hidden) => (hidden, None),
            Err(Some(obstacle)) if is_mounted(&folder, decision, obstacle) => {
                return Ok(Hiding::Kept(KeepReason::Mount));
            }
            Err(Some(obstacle)) if !obstacle.forbids_only_renames() || !goes_in_place(decision) => {
                return Err(obstacle);
            }
            Err(_) => (name.clone(), Some(claim)),
        };
        Ok(Hiding::Hidden(HiddenEntry { decision: index, folder, name, in_place }))
    }

    /// The name under which no pull finds it any more.
    fn rename_out_of_the_way(
        &self,
        folder: &Directory,
        decision: &Decision,
    ) -> Result<EntryName, Obstacle> {
        let name = &decision.item.location().name;
        match name_if_needed(decision) {
            // One step removes what is not a directory; that of another run was hidden by it.
            None if !is_directory(folder, name).attempt("look at")? => Ok(name.clone()),
            None if is_dead(&decision.item) => Ok(name.clone()),
            None => {
                let own = decision.item.image_name().unwrap_or(name);
                self.rename_to(folder, name, own, TrashStage::Dead).attempt(RENAME)
            }
            Some(_) if is_hidden(name) => Ok(name.clone()),
            Some(_) => self.rename_to(folder, name, name, TrashStage::Hidden).attempt(RENAME),
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
            // Whatever else has been hidden counts as dead for the next collection anyway, and the
            // deletion marks by itself what goes in place.
            let own = image_if_needed(self.decision(&entry));
            let Some(own) = own.filter(|_| entry.in_place.is_none()) else {
                round.to_remove.push(entry);
                continue;
            };
            let renamed = self.rename_to(&entry.folder, &entry.name, own, TrashStage::Dead);
            match renamed.attempt(RENAME) {
                Ok(name) => round.to_remove.push(HiddenEntry { name, ..entry }),
                Err(obstacle) if obstacle.forbids_only_renames() && self.unhide(&entry) => {
                    round.not_renamed.push((entry.decision, obstacle));
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
        let no_room = round.not_renamed.iter().map(|(index, _)| *index);
        for index in round.waiting.iter().copied().chain(to_remove).chain(no_room) {
            self.report.settle(index, RemovalResult::Interrupted { freed: ByteSize::b(0) });
        }
    }

    /// Reports what could not be hidden until the end; the refs of such an image stay with it, and so do all layers.
    pub fn give_up_all(&self, waiting: &[(usize, Obstacle)]) {
        let decision = |index: usize| &self.plan.decisions()[index];
        let images = waiting.iter().filter_map(|(index, _)| image_if_needed(decision(*index)));
        let images: HashSet<_> = images.collect();
        let is_kept_by_image = |decision: &Decision| match (&decision.item, decision.verdict) {
            (Item::Ref { digest: Some(digest), .. }, _) => images.contains(digest.entry_name()),
            (_, Verdict::Remove(RemoveReason::UnreferencedLayer)) => !images.is_empty(),
            _ => false,
        };
        for (index, obstacle) in waiting {
            if is_kept_by_image(decision(*index)) {
                let why = KeepReason::Referenced;
                self.report.settle(*index, RemovalResult::Kept { why });
            } else {
                self.give_up(*index, *obstacle);
            }
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
    Hidden(HiddenEntry),
    Kept(KeepReason),
}

/// Asks for an image; there is nothing to ask for where a lease does not matter.
fn claim(folder: &Directory, decision: &Decision) -> rustix::io::Result<Claim> {
    let is_asked = name_if_needed(decision).is_some()
        && decision.item.is_image_in_place()
        && heeds_leases(decision);
    match is_asked {
        true => Claim::new(folder, &decision.item.location().name),
        false => Ok(Claim::Granted { _held: None }),
    }
}

/// Whether something goes in place, if it must, without being asked for: its owner does not look for
/// it, it is no longer whole, or nothing of the cache is to stay.
fn goes_in_place(decision: &Decision) -> bool {
    match decision.verdict {
        Verdict::Remove(RemoveReason::Purge | RemoveReason::AbandonedTemp) => true,
        Verdict::Remove(RemoveReason::InterruptedGc) => !is_hidden(&decision.item.location().name),
        _ => false,
    }
}

/// Whether `obstacle` is a mount that has come since the plan was made.
fn is_mounted(folder: &Directory, decision: &Decision, obstacle: Obstacle) -> bool {
    let name = name_if_needed(decision).map(|_| decision.item.location().name.as_c_str());
    obstacle.cause == Errno::BUSY && name.is_some_and(|name| folder.is_mount_point(name))
}

/// Whether an entry, which is called `name` now, has changed since the plan was made: that is how its owner marks a use. What an
/// interrupted collection had hidden is gone for its owner, so its times say nothing.
pub(super) fn is_touched(folder: &Directory, name: &EntryName, decision: &Decision) -> bool {
    let Item::Entry(planned) = &decision.item else { return false };
    let status = folder.status_of(name.as_c_str());
    // An entry that cannot be inspected cannot be removed either, and is named then.
    !is_hidden(&planned.location.name)
        && status.is_ok_and(|status| status.modified() != planned.last_used)
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
