//! Atomic disappearance: the steps of a sweep before anything is deleted.
//!
//! Each step is a rename within one folder. So at every instant an entry is whole under its name,
//! or not there under its name, whatever happens to this process. The way back is in `rescue.rs`.
//!
//! An item that the user wants removed in any case, or that is no longer whole, has no name to
//! return to: its [`name_if_needed`] is `None`.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::names::{heeds_leases, image_if_needed, is_dead, is_hidden, name_if_needed};
use super::obstacle::{Attempt, Obstacle, RENAME};
use super::outcome::{RemovalResult, Report};
use super::step::Step;
use crate::cache::{Cache, Claim, EntryName, Folder, Folders, Location, Ref, RefIndex, TrashStage};
use crate::error::Result;
use crate::fs::{Directory, Kind};
use crate::plan::{Decision, Item, KeepReason, Plan, Reachability, RemoveReason, Verdict};

/// Larger than any number in practice, but finite.
const MOST_NAMES: u32 = 100_000;

/// An entry to be deleted: already hidden, unless it must be removed in place.
pub(super) struct HiddenEntry {
    /// The index of its decision in the plan.
    pub decision: usize,
    pub folder: Arc<Directory>,
    /// Its current name.
    pub name: EntryName,
    /// Set if it could not be hidden and is removed in place. Holds the lock of an image, so that
    /// it cannot be leased meanwhile.
    pub in_place: Option<Claim>,
}

/// The state of the decisions in one round.
#[derive(Default)]
pub(super) struct Round {
    /// Not hidden yet.
    pub waiting: Vec<usize>,
    /// Hidden, or to be removed in place.
    pub to_remove: Vec<HiddenEntry>,
    /// Not hidden, because the file system cannot rename them.
    pub not_renamed: Vec<(usize, Obstacle)>,
    /// Whether to remove them without hiding them.
    pub in_place: bool,
}

/// The renames of one sweep.
pub(super) struct Trash<'a> {
    pub(super) cache: &'a Cache,
    pub(super) plan: &'a Plan,
    pub(super) report: &'a Report<'a>,
    /// The last number used to make a name unique.
    number: Cell<u32>,
}

impl<'a> Trash<'a> {
    pub fn new(cache: &'a Cache, plan: &'a Plan, report: &'a Report<'a>) -> Self {
        Self { cache, plan, report, number: Cell::new(0) }
    }

    /// Takes one step.
    ///
    /// # Errors
    /// Fails if it is no longer known what is needed. All images are then back in their places.
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

    /// Reads the refs if they matter. They do not if all removals are to happen whatever a ref
    /// points at.
    fn refs(&self) -> Result<RefIndex> {
        if self.plan.removals().any(|decision| image_if_needed(decision).is_some()) {
            self.cache.refs().into_readable()
        } else {
            Ok(RefIndex::default())
        }
    }

    /// The refs that protect images: all except those removed with their images. A ref that is in
    /// its place again after it was hidden is a new one, and counts.
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
        let (folder, name) = (Arc::clone(folder.attempt("open the parent of")?), &location.name);
        let claim = match claim(&folder, decision).attempt("lock")? {
            Claim::Leased => return Ok(Hiding::Kept(KeepReason::Leased)),
            // Held until no one can find the image any more.
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

    /// Renames an entry so that no pull finds it any more, and returns the new name.
    fn rename_out_of_the_way(
        &self,
        folder: &Directory,
        decision: &Decision,
    ) -> Result<EntryName, Obstacle> {
        let name = &decision.item.location().name;
        match name_if_needed(decision) {
            // A non-directory is removed in one step anyway, and a hidden one of another run is
            // hidden already.
            None if !is_directory(folder, name).attempt("read the status of")? => Ok(name.clone()),
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
            // Anything else that is hidden counts as dead for the next collection anyway, and the
            // deletion itself marks what is removed in place.
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

    /// Returns an entry hidden by this run to its place. Returns whether it is where the plan found
    /// it.
    pub(super) fn unhide(&self, entry: &HiddenEntry) -> bool {
        let place = &self.decision(entry).item.location().name;
        *place == entry.name || rename(&entry.folder, &entry.name, place).is_ok()
    }

    /// Ends a round before anything of it was deleted, because of a signal. The next collection
    /// finds any entry that could not be returned to its place.
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

    /// Reports the items that could not be hidden in the end. The refs of such an image are kept
    /// with it, and so are all layers.
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

    /// Reports an obstacle for an entry that was renamed meanwhile.
    pub(super) fn report_obstacle(&self, entry: &HiddenEntry, obstacle: Obstacle) {
        let location = self.decision(entry).item.location();
        self.report.settle(entry.decision, obstacle.fate(self.cache, location, &entry.name));
    }

    pub(super) fn decision(&self, entry: &HiddenEntry) -> &'a Decision {
        &self.plan.decisions()[entry.decision]
    }
}

/// The result of hiding an item.
enum Hiding {
    Hidden(HiddenEntry),
    Kept(KeepReason),
}

/// Claims an image, or grants the claim at once if leases do not matter.
fn claim(folder: &Directory, decision: &Decision) -> rustix::io::Result<Claim> {
    let is_asked = name_if_needed(decision).is_some()
        && decision.item.is_image_in_place()
        && heeds_leases(decision);
    match is_asked {
        true => Claim::new(folder, &decision.item.location().name),
        false => Ok(Claim::Granted { _held: None }),
    }
}

/// Whether an item may be removed in place, if necessary, without the user's permission: its owner
/// does not look for it, it is no longer whole, or the whole cache is removed.
fn goes_in_place(decision: &Decision) -> bool {
    match decision.verdict {
        Verdict::Remove(RemoveReason::Purge | RemoveReason::AbandonedTemp) => true,
        Verdict::Remove(RemoveReason::InterruptedGc) => !is_hidden(&decision.item.location().name),
        _ => false,
    }
}

/// Whether `obstacle` is a mount that appeared after the plan was made.
fn is_mounted(folder: &Directory, decision: &Decision, obstacle: Obstacle) -> bool {
    let name = name_if_needed(decision).map(|_| decision.item.location().name.as_c_str());
    obstacle.cause == Errno::BUSY && name.is_some_and(|name| folder.is_mount_point(name))
}

/// Whether an entry, now called `name`, has changed since the plan was made: its owner marks a use
/// that way. For its owner, an entry hidden by an interrupted collection is gone, so its times mean
/// nothing.
pub(super) fn is_touched(folder: &Directory, name: &EntryName, decision: &Decision) -> bool {
    let Item::Entry(planned) = &decision.item else { return false };
    let status = folder.status_of(name.as_c_str());
    // An entry that cannot be inspected cannot be removed either, which is reported then.
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
