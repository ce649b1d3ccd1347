//! Atomic disappearance: the steps of a sweep before anything is deleted.
//!
//! All of them are renames within one folder, so at every instant an entry is whole under its name
//! or not there under its name, whatever happens to this process. The way back is in `rescue.rs`.

use std::cell::Cell;
use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::outcome::{Fate, Report};
use crate::cache::{Cache, Claim, EntryName, Folders, RefIndex, TrashStage};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::plan::{Decision, Item, KeepReason, Marks, Plan, RemoveReason, Verdict};
use crate::usage::Problems;

/// One step on the way from a plan to what may be deleted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// What an interrupted collection had hidden and a ref names goes back to its place.
    Restore,
    /// Entries disappear, unless a ref names them by now or they are leased.
    Hide,
    /// What a ref names goes back at once: nobody should miss an image while we look at others.
    RescueNamed,
    /// What a process uses goes back.
    RescueUsed,
    /// What its owner has touched just now goes back: he may be about to write its ref.
    RescueFresh,
    /// What a ref names goes back, even if it had to be waited for.
    RescueSettled,
    /// The rest gets the name from which nothing comes back.
    Condemn,
}

/// All steps, in their order.
pub(super) const STEPS: [Step; 7] = [
    Step::Restore,
    Step::Hide,
    Step::RescueNamed,
    Step::RescueUsed,
    Step::RescueFresh,
    Step::RescueSettled,
    Step::Condemn,
];

/// Something that is to be deleted, out of the way of its readers.
pub(super) struct Doomed {
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
    pub doomed: Vec<Doomed>,
    /// In their places, since a full disk has no room for another name.
    pub no_room: Vec<usize>,
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
    /// The refs cannot be read. Then all images are in their places.
    pub fn take(&self, step: Step, round: Round) -> Result<Round> {
        match step {
            Step::Restore => Ok(self.restore(round)),
            Step::Hide => self.hide(round),
            Step::RescueNamed => Ok(self.rescue_named(round)),
            Step::RescueUsed => Ok(self.rescue_used(round)),
            Step::RescueFresh => Ok(self.rescue_fresh(round)),
            Step::RescueSettled => self.rescue_settled(round),
            Step::Condemn => Ok(self.condemn(round)),
        }
    }

    /// The refs, if they matter: what the user wants gone whatever names it goes without a look.
    fn refs(&self) -> Result<RefIndex> {
        match self.plan.removals().any(|(_, decision)| own_name(decision).is_some()) {
            true => self.cache.refs().into_readable(),
            false => Ok(RefIndex::default()),
        }
    }

    fn hide(&self, mut round: Round) -> Result<Round> {
        let (refs, folders) = (self.refs()?, Folders::open(self.cache));
        let marks = Marks::new(&refs.refs);
        for index in std::mem::take(&mut round.waiting) {
            let decision = &self.plan.decisions[index];
            if is_in_its_place(decision) && own_name(decision).is_some_and(|n| marks.contains(n)) {
                self.report.settle(index, Fate::Kept { why: KeepReason::Referenced });
                continue;
            }
            match self.hide_one(&folders, decision) {
                Ok(Some((folder, name))) => {
                    round.doomed.push(Doomed { decision: index, folder, name });
                }
                Ok(None) => self.report.settle(index, Fate::Kept { why: KeepReason::Locked }),
                Err(Errno::NOSPC | Errno::DQUOT) => round.no_room.push(index),
                Err(cause) => self.settle_error(index, cause),
            }
        }
        Ok(round)
    }

    /// Where the item is now; `None` if it is leased.
    fn hide_one(
        &self,
        folders: &Folders,
        decision: &Decision,
    ) -> rustix::io::Result<Option<(Arc<Directory>, EntryName)>> {
        let location = decision.item.location();
        let folder = Arc::clone(folders.get(location.folder)?.ok_or(Errno::NOENT)?);
        let name = &location.name;
        if !needs_hiding(&decision.item) {
            return Ok(Some((folder, name.clone())));
        }
        let renamed = match own_name(decision) {
            None => self.rename_to(&folder, name, name, TrashStage::Dead)?,
            Some(_) => match Claim::new(&folder, name)? {
                Claim::Leased => return Ok(None),
                // Held until the image cannot be found any more.
                Claim::Granted { .. } => self.rename_to(&folder, name, name, TrashStage::Hidden)?,
            },
        };
        Ok(Some((folder, renamed)))
    }

    fn rename_to(
        &self,
        folder: &Directory,
        name: &EntryName,
        own: &EntryName,
        stage: TrashStage,
    ) -> rustix::io::Result<EntryName> {
        let mut number = 0;
        loop {
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
    }

    fn condemn(&self, mut round: Round) -> Round {
        for entry in std::mem::take(&mut round.doomed) {
            let Some(own) = self.own_name(&entry) else {
                round.doomed.push(entry);
                continue;
            };
            match self.rename_to(&entry.folder, &entry.name, own, TrashStage::Dead) {
                Ok(name) => round.doomed.push(Doomed { name, ..entry }),
                Err(cause @ (Errno::NOSPC | Errno::DQUOT)) => match self.unhide(&entry, own) {
                    true => round.no_room.push(entry.decision),
                    false => self.settle_error(entry.decision, cause),
                },
                Err(cause) => self.settle_error(entry.decision, cause),
            }
        }
        round
    }

    /// Whether an image is where the plan has found it. One that is not stays hidden and whole.
    fn unhide(&self, entry: &Doomed, own: &EntryName) -> bool {
        let found = &self.plan.decisions[entry.decision].item.location().name;
        found == &entry.name || rename(&entry.folder, &entry.name, own).is_ok()
    }

    /// Reports that a signal has come before anything of this was deleted.
    pub fn abandon(&self, round: &Round) {
        let doomed = round.doomed.iter().map(|entry| entry.decision);
        for index in doomed.chain(round.no_room.iter().copied()) {
            self.report.settle(index, Fate::Interrupted { freed: ByteSize::b(0) });
        }
    }

    /// Reports that there was no room to hide the items of the given decisions.
    pub fn give_up(&self, decisions: &[usize]) {
        decisions.iter().for_each(|&index| self.settle_error(index, Errno::NOSPC));
    }

    pub(super) fn own_name(&self, entry: &Doomed) -> Option<&'a EntryName> {
        own_name(&self.plan.decisions[entry.decision])
    }

    fn settle_error(&self, index: usize, cause: Errno) {
        let fate = match cause {
            // Gone, or something else by now: then it is a stranger, and not ours to remove.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Fate::Removed { freed: ByteSize::b(0) },
            cause => self.failed("rename", index, cause),
        };
        self.report.settle(index, fate);
    }

    pub(super) fn failed(&self, operation: &'static str, index: usize, cause: Errno) -> Fate {
        let path = self.plan.decisions[index].item.location().path_in(self.cache.path());
        let mut problems = Problems::default();
        problems.push(Error::io(operation, path, cause));
        Fate::Failed { freed: ByteSize::b(0), problems: Arc::new(problems) }
    }
}

pub(super) fn rename(
    folder: &Directory,
    from: &EntryName,
    to: &EntryName,
) -> rustix::io::Result<()> {
    folder.rename(from.as_c_str(), folder, to.as_c_str())
}

/// What a whole image is called, unless the user wants it gone whatever names it.
fn own_name(decision: &Decision) -> Option<&EntryName> {
    match decision.verdict {
        Verdict::Remove(RemoveReason::Orphan | RemoveReason::InterruptedGc) => {
            decision.item.image_name()
        }
        _ => None,
    }
}

/// Whether the plan has found an image under its own name.
pub(super) fn is_in_its_place(decision: &Decision) -> bool {
    decision.item.image_name() == Some(&decision.item.location().name)
}

/// A ref is a single file, and goes in one step anyway.
fn needs_hiding(item: &Item) -> bool {
    match item {
        Item::Entry(entry) => !entry.is_interrupted_gc(),
        Item::Ref { .. } => false,
    }
}
