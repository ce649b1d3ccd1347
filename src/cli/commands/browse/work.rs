//! Carries out effects: everything that reads or changes the disk.
//!
//! Each effect runs on its own thread and sends events. Only a confirmed removal takes the lock.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::entry::entries;
use super::event::{Effect, Event};
use super::list::List;
use super::report::{differences, plan_lines, removed};
use super::reporters::{Counting, Entering, Removing};
use super::screen::{Part, Proposal};
use crate::cache::{Cache, Digest, Inventory, Location, Patience};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, refuse};
use crate::cli::removal::Counts;
use crate::cli::ui::units::estimate;
use crate::cli::warnings::unread_in_tree;
use crate::error::Error;
use crate::escape::Escaped;
use crate::gc::{self, Draft};
use crate::plan::{self, Plan};
use crate::stop::StopFlag;
use crate::usage::{CacheUsage, Comparison, LevelFile, Measurement, Usage, files_in};

/// Access to the disk.
pub struct Work<'a> {
    context: &'a Context<'a>,
    events: Sender<Event>,
    known: Mutex<Known>,
}

/// Results that later effects need.
#[derive(Default)]
struct Known {
    measured: Option<Arc<CacheUsage>>,
    /// The image entered last.
    tree: Option<(Location, Arc<Measurement>)>,
    measuring: StopFlag,
    entering: StopFlag,
    removing: StopFlag,
}

/// An effect with its stop flag. Created in the order in which effects are started.
pub struct Task {
    effect: Effect,
    stop: StopFlag,
}

/// What an effect is for, as far as its failure depends on that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    Looking,
    Measuring,
    Entering,
    Other,
}

impl Task {
    pub fn aim(&self) -> Aim {
        match self.effect {
            Effect::Look { .. } => Aim::Looking,
            Effect::Measure => Aim::Measuring,
            Effect::Enter { .. } => Aim::Entering,
            _ => Aim::Other,
        }
    }
}

impl<'a> Work<'a> {
    pub fn new(context: &'a Context<'a>, events: Sender<Event>) -> Self {
        Self { context, events, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops all effects.
    pub fn stop(&self) {
        let known = self.known();
        [&known.measuring, &known.entering, &known.removing].into_iter().for_each(StopFlag::raise);
    }

    /// Prepares an effect; `None` if nothing is left to do.
    pub fn begin(&self, effect: Effect) -> Option<Task> {
        let mut known = self.known();
        let renew = |flag: &mut StopFlag| {
            flag.raise();
            *flag = StopFlag::new();
            flag.clone()
        };
        let stop = match &effect {
            Effect::StopMeasuring => {
                known.measuring.raise();
                return None;
            }
            Effect::StopEntering => {
                known.entering.raise();
                return None;
            }
            Effect::StopRemoving => {
                known.removing.raise();
                return None;
            }
            Effect::Measure => renew(&mut known.measuring),
            Effect::Enter { .. } => renew(&mut known.entering),
            Effect::Compare { .. } | Effect::Propose(_) | Effect::Remove(_) => {
                renew(&mut known.removing)
            }
            _ => StopFlag::new(),
        };
        Some(Task { effect, stop })
    }

    /// Carries out an effect, and sends events with its results.
    pub fn carry_out(&self, task: Task) {
        let aim = task.aim();
        let Task { effect, stop } = task;
        let result = match effect {
            Effect::Look { judge } => self.look(judge),
            Effect::Measure => self.measure(&stop),
            Effect::Enter { ticket, at, path, is_known } => {
                self.enter(ticket, &at, &path, is_known, &stop)
            }
            Effect::Sum(marked) => {
                self.sum(marked);
                Ok(())
            }
            Effect::Compare { old, new } => self.compare(&old, &new, &stop),
            Effect::Propose(chosen) => self.propose(chosen, &stop),
            Effect::Remove(proposal) => self.remove(&proposal, &stop),
            _ => Ok(()),
        };
        match (result, aim) {
            (Err(Failure::Library(Error::Interrupted)), Aim::Measuring) => {
                self.tell(Event::Stopped);
            }
            // The user has gone back.
            (Err(Failure::Library(Error::Interrupted)), Aim::Entering) => {}
            (Err(failure), aim) => self.fail(aim, &failure),
            (Ok(()), _) => {}
        }
    }

    /// Sends the events of a failed effect.
    pub fn fail(&self, aim: Aim, failure: &Failure) {
        if aim == Aim::Looking {
            return self.tell(Event::LookFailed(failure.to_string()));
        }
        if aim == Aim::Measuring {
            self.tell(Event::Stopped);
        }
        self.tell(Event::Failed(failure.to_string()));
    }

    fn tell(&self, event: Event) {
        // After the loop has ended, events have no receiver.
        let _ = self.events.send(event);
    }

    fn open(&self) -> Result<Cache, Failure> {
        match self.context.open_cache()? {
            Some(cache) => Ok(cache),
            None => refuse(format!("no image cache at {}", self.context.shown_dir())),
        }
    }

    fn look(&self, judge: bool) -> Result<(), Failure> {
        let Some(cache) = self.context.open_cache()? else {
            self.tell(Event::NoCache);
            return Ok(());
        };
        let inventory = cache.inventory()?;
        let entries = if judge {
            let (plan, evidence) = gc::plan_listed(&cache, &inventory, None);
            entries(&cache, &inventory, Some((&plan, &evidence)))
        } else {
            entries(&cache, &inventory, None)
        };
        self.tell(Event::Listed { entries, is_judged: judge });
        Ok(())
    }

    fn measure(&self, stop: &StopFlag) -> Result<(), Failure> {
        let Some(cache) = self.context.open_cache()? else {
            self.tell(Event::Stopped);
            return Ok(());
        };
        let inventory = cache.inventory()?;
        let meter = self.context.meter().with_extents();
        let mut reporter = Counting { events: &self.events, stop, seen: Vec::new() };
        let found = Arc::new(gc::measure_cache(&cache, &inventory, meter, &mut reporter)?);
        // The first call takes a pass over all shared data: do that here, not in the event loop.
        if let Some(first) = inventory.entries.first() {
            found.measurement().unique(&first.location);
        }
        self.known().measured = Some(Arc::clone(&found));
        self.tell(Event::Measured(found));
        Ok(())
    }

    fn sum(&self, marked: BTreeSet<Location>) {
        let measured = self.known().measured.clone();
        if let Some(measured) = measured {
            let frees = measured.measurement().reclaimable(&marked);
            self.tell(Event::Summed { marked, frees });
        }
    }

    fn enter(
        &self,
        ticket: u64,
        at: &Location,
        path: &Path,
        is_known: bool,
        stop: &StopFlag,
    ) -> Result<(), Failure> {
        let cache = self.open()?;
        let known = self.known().tree.clone().filter(|(known, _)| is_known && known == at);
        let tree = match known {
            Some((_, tree)) => tree,
            None => {
                let meter = self.context.meter().with_breakdown(0);
                let mut reporter = Entering { events: &self.events, stop, ticket };
                let trees = std::slice::from_ref(at);
                Arc::new(gc::measure(&cache, meter, trees, &[], &mut reporter)?)
            }
        };
        self.known().tree = Some((at.clone(), Arc::clone(&tree)));
        // Sorted here: with a million files that takes a while, and keys wait for the loop.
        let list = List::new(parts(&cache, at, path, &tree, stop)?);
        self.tell(Event::Entered { ticket, tree, list });
        Ok(())
    }

    fn compare(&self, old: &Location, new: &Location, stop: &StopFlag) -> Result<(), Failure> {
        let cache = self.open()?;
        let meter = self.context.meter().with_extents().with_names();
        let mut reporter = Removing { events: &self.events, stop };
        let trees = [old.clone(), new.clone()];
        let found = gc::measure(&cache, meter, &trees, &[], &mut reporter)?;
        let (Some(before), Some(after)) = (found.breakdown(old), found.breakdown(new)) else {
            return refuse("one of the images is gone");
        };
        let lines = differences(&Comparison::new(before, after));
        let short = |at: &Location| Digest::of_entry(&at.name).map(|digest| digest.short());
        let names = [old, new].map(|at| short(at).unwrap_or_else(|| at.to_string()));
        self.tell(Event::Told { title: names.join(" compared with "), lines });
        Ok(())
    }

    fn propose(&self, chosen: Vec<Location>, stop: &StopFlag) -> Result<(), Failure> {
        let cache = self.open()?;
        let proposal = self.proposal(&cache, chosen, stop)?;
        self.tell(Event::Proposed { proposal, has_changed: false });
        Ok(())
    }

    fn proposal(
        &self,
        cache: &Cache,
        chosen: Vec<Location>,
        stop: &StopFlag,
    ) -> Result<Proposal, Failure> {
        let mut draft = draft(cache, &chosen)?;
        let mut reporter = Removing { events: &self.events, stop };
        let measured = draft.measure(cache, self.context.jobs, &mut reporter)?;
        let plan = &draft.plan;
        let going = Counts::new(plan.removals().map(|decision| &decision.item));
        let is_empty = plan.removals().next().is_none();
        let question =
            (!is_empty).then(|| format!("Remove {going}, freeing {}?", estimate(measured.freed)));
        let mut lines = plan_lines(&draft, &chosen);
        let problems = measured.trees.all_problems();
        lines.extend(problems.flat_map(|(_, problems)| unread_in_tree(problems)));
        Ok(Proposal { verdicts: verdicts(plan), lines, question, chosen })
    }

    /// Plans again under the lock. Removes if the plan is still what the user confirmed; asks again
    /// otherwise.
    fn remove(&self, agreed: &Proposal, stop: &StopFlag) -> Result<(), Failure> {
        let Some(cache) = self.context.open_locked(|_| Patience::GiveUp)? else {
            return refuse(format!("no image cache at {}", self.context.shown_dir()));
        };
        let draft = draft(&cache, &agreed.chosen)?;
        if verdicts(&draft.plan) != agreed.verdicts {
            let proposal = self.proposal(&cache, agreed.chosen.clone(), stop)?;
            self.tell(Event::Proposed { proposal, has_changed: true });
            return Ok(());
        }
        let shares_data = cache.can_share_data()?;
        let mut reporter = Removing { events: &self.events, stop };
        let done = gc::run(&cache, draft.plan, self.context.jobs, &mut reporter)?;
        self.tell(removed(&done, shares_data));
        Ok(())
    }
}

/// Plans the removal of the images at these locations, like `rm`.
fn draft(cache: &Cache, chosen: &[Location]) -> Result<Draft, Error> {
    let choose = |inventory: &Inventory| {
        let images = inventory.images().filter(|(image, _)| chosen.contains(&image.location));
        Ok(images.map(|(_, digest)| digest.clone()).collect::<HashSet<_>>())
    };
    gc::plan_rm(cache, choose, false)
}

fn verdicts(plan: &Plan) -> Vec<(Location, plan::Verdict)> {
    let decisions = plan.decisions().iter();
    decisions.map(|decision| (decision.item.location().clone(), decision.verdict)).collect()
}

/// The direct children of a directory in an image.
fn parts(
    cache: &Cache,
    at: &Location,
    path: &Path,
    tree: &Measurement,
    stop: &StopFlag,
) -> Result<Vec<Part>, Failure> {
    let usage = tree.usage(at).filter(|usage| *usage != Usage::default());
    let breakdown = tree.breakdown(at).filter(|_| usage.is_some());
    let Some(directories) = breakdown.and_then(|found| found.directories_in(path)) else {
        return refuse(format!("{} is gone", Escaped::new(&at.path_in(cache.path()).join(path))));
    };
    let directories = directories.into_iter().map(|part| Part {
        label: format!("{}/", name(&part.path)),
        path: Some(part.path),
        usage: part.usage,
        has_other_names: false,
    });
    let file = |file: LevelFile| Part {
        label: Escaped::new(&file.name).to_string(),
        path: None,
        usage: file.usage,
        has_other_names: file.has_other_names,
    };
    let files = files_in(cache, at, path, stop)?.into_iter().map(file);
    Ok(directories.chain(files).collect())
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| Escaped::new(name).to_string())
}
