//! The state, and what events do to it. Nothing here reads a disk, a clock or a terminal.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{Entry, Known};
use super::event::{Effect, Event};
use super::list::List;
use super::screen::{Inside, Page, Proposal, Screen};
use crate::cache::Location;
use crate::usage::{CacheUsage, Estimate, Phase, Usage};

/// Lines that are no part of a list or a page: a title, a status and the keys.
const FRAME: usize = 3;
/// How often it is looked whether anything in the cache has changed, in milliseconds.
const LOOK_EVERY: i64 = 2000;

/// What is at work besides measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Planning,
    Comparing,
    Removing(Usage),
}

/// What keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Plain,
    /// A filter is typed.
    Filter,
    /// Whether to leave although something is marked.
    Leave,
}

pub struct Model {
    /// The cache directory, safe to print.
    pub directory: String,
    pub read_only: bool,
    pub now: Timestamp,
    pub columns: u16,
    pub lines: u16,
    pub entries: List<Entry>,
    /// Whether it is known by now what lies in the cache.
    pub is_listed: bool,
    pub marked: BTreeSet<Location>,
    /// What removing the marked ones together frees.
    pub frees: Option<Estimate>,
    /// Of how many trees how many have been measured, while that is at work.
    pub measuring: Option<(usize, usize)>,
    pub measured: Option<Arc<CacheUsage>>,
    /// What everything amounts to.
    pub total: Option<Usage>,
    pub screens: Vec<Screen>,
    pub mode: Mode,
    pub job: Option<Job>,
    /// Something to say until the next key.
    pub note: Option<String>,
    /// Whether something could not be removed.
    pub has_failed: bool,
    pub(super) tickets: u64,
    looked: Timestamp,
    pub(super) is_looking: bool,
}

impl Model {
    pub fn new(directory: String, read_only: bool, now: Timestamp, size: (u16, u16)) -> Self {
        Self {
            directory,
            read_only,
            now,
            columns: size.0,
            lines: size.1,
            entries: List::new(Vec::new()),
            is_listed: false,
            marked: BTreeSet::new(),
            frees: None,
            measuring: Some((0, 0)),
            measured: None,
            total: None,
            screens: Vec::new(),
            mode: Mode::Plain,
            job: None,
            note: None,
            has_failed: false,
            tickets: 0,
            looked: now,
            is_looking: true,
        }
    }

    /// What is to be done first.
    pub fn first() -> Vec<Effect> {
        vec![Effect::Look { judge: false }, Effect::Look { judge: true }, Effect::Measure]
    }

    /// Takes in what has happened, and says what is to be done about it.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.take(event);
        self.scroll();
        effects
    }

    fn take(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) => return self.key(key),
            Event::Resize { columns, lines } => (self.columns, self.lines) = (columns, lines),
            Event::Tick(now) => return self.tick(now),
            Event::Listed { entries, is_judged } => return self.list(entries, is_judged),
            Event::NoCache => {
                self.is_looking = false;
                return self.list(Vec::new(), true);
            }
            Event::Counted { trees, done, all } => self.count(trees, done, all),
            Event::Measured(found) => return self.measure(found),
            Event::Stopped => self.measuring = None,
            Event::Entering { ticket, counted } => {
                if let Some(inside) = self.waiting(ticket) {
                    inside.counted = counted;
                }
            }
            Event::Entered { ticket, tree, list } => {
                if let Some(inside) = self.waiting(ticket) {
                    inside.usage = inside.usage.or_else(|| tree.usage(&inside.at));
                    (inside.tree, inside.list) = (Some(tree), Some(list));
                }
            }
            Event::Summed { marked, frees } => {
                self.frees = Some(frees).filter(|_| marked == self.marked).or(self.frees);
            }
            Event::Proposed { proposal, has_changed } => self.propose(proposal, has_changed),
            Event::Removing(counted) => self.job = Some(Job::Removing(counted)),
            Event::Removed { summary, lines, shares_data, has_failed } => {
                self.has_failed |= has_failed;
                return self.removed(summary, lines, shares_data);
            }
            Event::Told { title, lines } => {
                self.job = None;
                self.show(Page::new(title, lines));
            }
            // The next tick repeats it. Whatever else is going on goes on.
            Event::LookFailed(reason) => (self.is_looking, self.note) = (false, Some(reason)),
            Event::Failed(reason) => self.fail(reason),
        }
        Vec::new()
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let since = now.duration_since(self.looked).as_millis();
        if self.is_looking || since < i128::from(LOOK_EVERY) || self.job.is_some() {
            return Vec::new();
        }
        (self.is_looking, self.looked) = (true, now);
        vec![Effect::Look { judge: false }]
    }

    /// The entries as they are now. Those that have gone stay in the list, and say so.
    fn list(&mut self, entries: Vec<Entry>, is_judged: bool) -> Vec<Effect> {
        (self.is_looking, self.looked) = (false, self.now);
        let is_first = !std::mem::replace(&mut self.is_listed, true);
        let mut has_changed = false;
        self.entries.update(|rows| has_changed = merge(rows, entries, is_judged));
        let gone = |entry: &&Entry| entry.is_gone;
        let gone: HashSet<_> =
            self.entries.rows().iter().filter(gone).map(|entry| entry.at.clone()).collect();
        let marked = self.marked.len();
        self.marked.retain(|at| !gone.contains(at));
        self.total = self.measured.as_ref().map(|found| found.total_without(&gone));
        let mut effects = if self.marked.len() < marked { self.sum() } else { Vec::new() };
        if has_changed && !is_first && !is_judged {
            self.is_looking = true;
            effects.push(Effect::Look { judge: true });
        }
        effects
    }

    fn count(&mut self, trees: Vec<(Location, Usage, Phase)>, done: usize, all: usize) {
        self.measuring = Some((done, all));
        let counted: HashMap<_, _> =
            trees.into_iter().map(|(at, usage, phase)| (at, (usage, phase))).collect();
        self.entries.update(|rows| {
            for row in rows {
                if let Some(&(usage, phase)) = counted.get(&row.at) {
                    row.known.grow(usage, phase);
                }
            }
        });
    }

    fn measure(&mut self, found: Arc<CacheUsage>) -> Vec<Effect> {
        self.measuring = None;
        let measurement = found.measurement();
        self.entries.update(|rows| {
            for row in rows.iter_mut().filter(|row| !row.is_gone) {
                if let Some(usage) = measurement.usage(&row.at) {
                    let unique = measurement.unique(&row.at);
                    row.known = Known { usage: Some(usage), is_final: true, unique };
                }
            }
        });
        self.total = Some(found.total());
        self.measured = Some(found);
        self.sum()
    }

    /// Asks what the marked ones amount to together, once that can be known.
    pub(super) fn sum(&mut self) -> Vec<Effect> {
        self.frees = None;
        if self.marked.is_empty() || self.measured.is_none() {
            return Vec::new();
        }
        vec![Effect::Sum(self.marked.clone())]
    }

    pub(super) fn propose(&mut self, proposal: Proposal, has_changed: bool) {
        self.job = None;
        let title = if has_changed { "The cache has changed: check again" } else { "Plan" };
        let question = proposal.question.iter().cloned();
        let lines = question.flat_map(|question| [question, String::new()]);
        let mut page = Page::new(title, lines.chain(proposal.lines.iter().cloned()).collect());
        page.proposal = Some(proposal);
        self.show(page);
    }

    fn removed(&mut self, summary: String, lines: Vec<String>, shares_data: bool) -> Vec<Effect> {
        self.job = None;
        self.marked.clear();
        self.frees = None;
        self.is_looking = true;
        let mut effects = vec![Effect::Look { judge: true }];
        if shares_data {
            self.measuring = Some((0, 0));
            effects.push(Effect::Measure);
        }
        let mut page = Page::new(summary.clone(), lines);
        page.lines.extend([String::new(), summary]);
        self.show(page);
        effects
    }

    pub(super) fn fail(&mut self, reason: String) {
        self.job = None;
        let is_entering =
            |screen: &Screen| matches!(screen, Screen::Inside(Inside { list: None, .. }));
        if self.screens.last().is_some_and(is_entering) {
            self.screens.pop();
        }
        self.note = Some(reason);
    }

    fn waiting(&mut self, ticket: u64) -> Option<&mut Inside> {
        self.screens.iter_mut().find_map(|screen| match screen {
            Screen::Inside(inside) if inside.ticket == ticket && inside.list.is_none() => {
                Some(inside)
            }
            _ => None,
        })
    }

    pub(super) fn show(&mut self, page: Page) {
        self.screens.push(Screen::Page(page));
    }

    /// The lines that a list or a page has.
    pub fn height(&self) -> usize {
        usize::from(self.lines).saturating_sub(FRAME).max(1)
    }

    fn scroll(&mut self) {
        let height = self.height();
        let area = (usize::from(self.columns), height);
        match self.screens.last_mut() {
            None => self.entries.scroll(height),
            Some(Screen::Inside(Inside { list: Some(list), .. })) => list.scroll(height),
            Some(Screen::Inside(_)) => {}
            Some(Screen::Page(page)) => page.scroll(0, area),
        }
    }
}

/// Brings rows up to date, and says whether anything is different. What is known of sizes stays.
fn merge(rows: &mut Vec<Entry>, entries: Vec<Entry>, is_judged: bool) -> bool {
    let mut places: HashMap<_, _> =
        rows.iter().enumerate().map(|(place, row)| (row.at.clone(), place)).collect();
    let mut has_changed = false;
    for entry in entries {
        let Some(place) = places.remove(&entry.at) else {
            has_changed = true;
            rows.push(entry);
            continue;
        };
        let row = &mut rows[place];
        let is_same = !row.is_gone && row.refs == entry.refs && row.last_used == entry.last_used;
        has_changed |= !is_same;
        if is_judged || row.is_gone || row.refs != entry.refs {
            let known = if row.is_gone { Known::default() } else { row.known };
            *row = Entry { known, ..entry };
        } else {
            row.last_used = entry.last_used;
        }
    }
    for place in places.into_values() {
        let row = &mut rows[place];
        has_changed |= !row.is_gone;
        row.is_gone = true;
        row.status = "gone".to_owned();
        row.tone = super::entry::Tone::Faint;
    }
    has_changed
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
