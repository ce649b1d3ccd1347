//! The state, and what events do to it. Nothing here reads a disk, a clock or a terminal.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{Entry, Kind, Known};
use super::keys::{Action, HELP, Key};
use super::list::List;
use super::screen::{Inside, Page, Part, Proposal, Screen};
use crate::cache::Location;
use crate::cli::ui::units::plural;
use crate::usage::{CacheUsage, Estimate, Measurement, Phase, Usage};

/// Lines that are no part of a list or a page: a title, a status and the keys.
const FRAME: usize = 3;
/// How often it is looked whether anything in the cache has changed, in milliseconds.
const LOOK_EVERY: i64 = 2000;

/// What has happened.
#[derive(Debug)]
pub enum Event {
    Key(Key),
    Resize {
        columns: u16,
        lines: u16,
    },
    /// Time has passed.
    Tick(Timestamp),
    /// What lies in the cache; judged, if it was also asked what a collection would do.
    Listed {
        entries: Vec<Entry>,
        is_judged: bool,
    },
    /// There is no cache directory.
    NoCache,
    /// What a measurement has counted since the last report.
    Counted {
        trees: Vec<(Location, Usage, Phase)>,
        done: usize,
        all: usize,
    },
    Measured(Arc<CacheUsage>),
    /// A measurement was stopped.
    Stopped,
    /// What has been counted in an image that is being entered.
    Entering {
        ticket: u64,
        counted: Usage,
    },
    Entered {
        ticket: u64,
        tree: Arc<Measurement>,
        parts: Vec<Part>,
    },
    /// What removing all of these together frees.
    Summed {
        marked: BTreeSet<Location>,
        frees: Estimate,
    },
    Proposed {
        proposal: Proposal,
        has_changed: bool,
    },
    Removing(Usage),
    Removed {
        summary: String,
        lines: Vec<String>,
        shares_data: bool,
        has_failed: bool,
    },
    /// Something could not be done.
    Failed(String),
}

/// What is to be done outside. Each answers with events.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    Look {
        judge: bool,
    },
    Measure,
    StopMeasuring,
    Enter {
        ticket: u64,
        at: Location,
        path: PathBuf,
        is_known: bool,
    },
    StopEntering,
    /// What removing the marked ones frees.
    Sum(BTreeSet<Location>),
    Propose(Vec<Location>),
    Remove(Proposal),
    StopRemoving,
    Suspend,
    Redraw,
    Quit,
}

/// What is at work besides measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Planning,
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
    tickets: u64,
    looked: Timestamp,
    is_looking: bool,
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
            measuring: None,
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
            Event::Entered { ticket, tree, parts } => {
                if let Some(inside) = self.waiting(ticket) {
                    (inside.tree, inside.list) = (Some(tree), Some(List::new(parts)));
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
    fn sum(&mut self) -> Vec<Effect> {
        self.frees = None;
        if self.marked.is_empty() || self.measured.is_none() {
            return Vec::new();
        }
        vec![Effect::Sum(self.marked.clone())]
    }

    fn propose(&mut self, proposal: Proposal, has_changed: bool) {
        self.job = None;
        let title = if has_changed { "The cache has changed: remove?" } else { "Remove?" };
        let mut page = Page::new(title, proposal.lines.clone());
        if let Some(question) = &proposal.question {
            page.lines.extend([String::new(), question.clone()]);
        }
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

    fn fail(&mut self, reason: String) {
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

    fn show(&mut self, page: Page) {
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

/// Keys.
impl Model {
    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.note = None;
        match self.mode {
            Mode::Filter => self.type_filter(key),
            Mode::Leave => {
                self.mode = Mode::Plain;
                if matches!(key, Key::Char('y' | 'Y')) { vec![Effect::Quit] } else { Vec::new() }
            }
            Mode::Plain if self.asks() => self.answer(key),
            Mode::Plain => Action::from_key(key).map_or_else(Vec::new, |action| self.act(action)),
        }
    }

    /// Whether a page asks whether to remove what it shows.
    fn asks(&self) -> bool {
        let Some(Screen::Page(page)) = self.screens.last() else { return false };
        page.proposal.as_ref().is_some_and(|proposal| proposal.question.is_some())
    }

    /// Only a clear yes is one. Keys that scroll are no answer.
    fn answer(&mut self, key: Key) -> Vec<Effect> {
        match (key, Action::from_key(key)) {
            (Key::Char('y' | 'Y'), _) => {
                let Some(Screen::Page(page)) = self.screens.pop() else { return Vec::new() };
                self.job = Some(Job::Removing(Usage::default()));
                page.proposal.into_iter().map(Effect::Remove).collect()
            }
            (_, Some(Action::Suspend | Action::Redraw)) => self.common(key),
            (_, Some(Action::Step(_) | Action::Page(_) | Action::Top | Action::Bottom)) => {
                self.common(key)
            }
            _ => {
                self.screens.pop();
                self.note = Some("Cancelled, nothing removed.".to_owned());
                Vec::new()
            }
        }
    }

    fn common(&mut self, key: Key) -> Vec<Effect> {
        Action::from_key(key).map_or_else(Vec::new, |action| self.act(action))
    }

    fn type_filter(&mut self, key: Key) -> Vec<Effect> {
        let mut filter = self.filter().to_owned();
        match key {
            Key::Char(c) => filter.push(c),
            Key::Backspace => drop(filter.pop()),
            Key::Esc | Key::Ctrl('c') => {
                filter.clear();
                self.mode = Mode::Plain;
            }
            Key::Enter => self.mode = Mode::Plain,
            Key::Up | Key::Down => return self.common(key),
            _ => {}
        }
        match self.screens.last_mut() {
            None => self.entries.set_filter(filter),
            Some(Screen::Inside(Inside { list: Some(list), .. })) => list.set_filter(filter),
            Some(_) => {}
        }
        Vec::new()
    }

    /// The filter of the list on the screen.
    pub fn filter(&self) -> &str {
        match self.screens.last() {
            None => self.entries.filter(),
            Some(Screen::Inside(Inside { list: Some(list), .. })) => list.filter(),
            Some(_) => "",
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return self.quit(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Help => self.help(),
            Action::Back => return self.back(),
            Action::Measure => return self.measure_again(),
            Action::StopMeasuring => {
                return self.measuring.map_or_else(Vec::new, |_| vec![Effect::StopMeasuring]);
            }
            Action::Filter if !matches!(self.screens.last(), Some(Screen::Page(_))) => {
                self.mode = Mode::Filter;
            }
            action => return self.act_on_list(action),
        }
        Vec::new()
    }

    fn act_on_list(&mut self, action: Action) -> Vec<Effect> {
        let height = self.height();
        let area = (usize::from(self.columns), height);
        match self.screens.last_mut() {
            None => {
                if !travel(&mut self.entries, action, height) {
                    return self.act_on_entry(action);
                }
            }
            Some(Screen::Inside(Inside { list: Some(list), .. })) => {
                if !travel(list, action, height) && action == Action::Open {
                    return self.descend();
                }
                if matches!(action, Action::Remove | Action::Mark) {
                    self.note = Some("Nothing inside an image can be removed.".to_owned());
                }
            }
            Some(Screen::Inside(_)) => {}
            Some(Screen::Page(page)) => match action {
                Action::Step(lines) => page.scroll(lines, area),
                Action::Page(pages) => page.scroll(pages * height as isize, area),
                Action::Top => page.scroll(isize::MIN, area),
                Action::Bottom => page.scroll(isize::MAX, area),
                _ => {}
            },
        }
        Vec::new()
    }

    fn act_on_entry(&mut self, action: Action) -> Vec<Effect> {
        let Some(entry) = self.entries.current().cloned() else { return Vec::new() };
        match action {
            Action::Info => {
                let facts = entry.all_facts(self.now).into_iter();
                let lines = facts.map(|(name, fact)| format!("{name:<12} {fact}")).collect();
                self.show(Page::new(entry.label.clone(), lines));
            }
            Action::Open if entry.is_gone => self.note = Some(format!("{} is gone.", entry.label)),
            Action::Open => return self.enter(&entry, PathBuf::new(), None),
            Action::Mark => return self.mark(&entry),
            Action::Remove => return self.remove(&entry),
            _ => {}
        }
        Vec::new()
    }

    fn enter(
        &mut self,
        entry: &Entry,
        path: PathBuf,
        tree: Option<Arc<Measurement>>,
    ) -> Vec<Effect> {
        let is_known = tree.is_some();
        self.tickets += 1;
        let (ticket, at) = (self.tickets, entry.at.clone());
        self.screens.push(Screen::Inside(Inside {
            at: at.clone(),
            image: entry.label.clone(),
            path: path.clone(),
            ticket,
            list: None,
            tree,
            counted: Usage::default(),
        }));
        vec![Effect::Enter { ticket, at, path, is_known }]
    }

    fn descend(&mut self) -> Vec<Effect> {
        let Some(Screen::Inside(inside)) = self.screens.last() else { return Vec::new() };
        let current = inside.list.as_ref().and_then(List::current);
        let Some(path) = current.and_then(|part| part.path.clone()) else { return Vec::new() };
        let tree = inside.tree.clone();
        let at = inside.at.clone();
        let entry = self.entries.rows().iter().find(|entry| entry.at == at).cloned();
        entry.map_or_else(Vec::new, |entry| self.enter(&entry, path, tree))
    }

    fn mark(&mut self, entry: &Entry) -> Vec<Effect> {
        if self.read_only {
            self.note = Some("Nothing can be removed with --read-only.".to_owned());
        } else if entry.kind != Kind::Image {
            self.note = Some(hint(entry.kind).to_owned());
        } else if !entry.is_gone {
            if !self.marked.remove(&entry.at) {
                self.marked.insert(entry.at.clone());
            }
            self.entries.step(1);
            return self.sum();
        }
        Vec::new()
    }

    fn remove(&mut self, entry: &Entry) -> Vec<Effect> {
        if self.read_only || self.job.is_some() {
            self.note =
                self.read_only.then(|| "Nothing can be removed with --read-only.".to_owned());
            return Vec::new();
        }
        let chosen: Vec<_> = if self.marked.is_empty() {
            if entry.kind != Kind::Image || entry.is_gone {
                self.note = Some(hint(entry.kind).to_owned());
                return Vec::new();
            }
            vec![entry.at.clone()]
        } else {
            self.marked.iter().cloned().collect()
        };
        self.job = Some(Job::Planning);
        vec![Effect::Propose(chosen)]
    }

    fn back(&mut self) -> Vec<Effect> {
        let list = match self.screens.last_mut() {
            None => {
                self.entries.set_filter(String::new());
                return Vec::new();
            }
            Some(Screen::Inside(Inside { list, .. })) => list.as_mut(),
            Some(Screen::Page(_)) => None,
        };
        // A filter ends before the list does.
        if let Some(list) = list.filter(|list| !list.filter().is_empty()) {
            list.set_filter(String::new());
            return Vec::new();
        }
        match self.screens.pop() {
            Some(Screen::Inside(Inside { list: None, .. })) => vec![Effect::StopEntering],
            _ => Vec::new(),
        }
    }

    fn measure_again(&mut self) -> Vec<Effect> {
        let top = self.screens.iter().position(|screen| matches!(screen, Screen::Inside(_)));
        let Some(top) = top else {
            (self.is_looking, self.measuring) = (true, Some((0, 0)));
            return vec![Effect::Look { judge: true }, Effect::StopMeasuring, Effect::Measure];
        };
        let Screen::Inside(inside) = &self.screens[top] else { return Vec::new() };
        let at = inside.at.clone();
        self.screens.truncate(top);
        let entry = self.entries.rows().iter().find(|entry| entry.at == at).cloned();
        entry.map_or_else(Vec::new, |entry| self.enter(&entry, PathBuf::new(), None))
    }

    fn quit(&mut self) -> Vec<Effect> {
        if let Some(Job::Removing(_)) = self.job {
            self.note = Some("Stopping; what has begun is finished by the next gc.".to_owned());
            return vec![Effect::StopRemoving];
        }
        if self.marked.is_empty() {
            return vec![Effect::Quit];
        }
        self.mode = Mode::Leave;
        Vec::new()
    }

    fn help(&mut self) {
        let keys = HELP.iter().filter(|(key, _)| !self.read_only || !matches!(*key, "d" | "Space"));
        let mut lines: Vec<_> = keys.map(|(keys, does)| format!("{keys:<15}{does}")).collect();
        lines.extend([
            String::new(),
            "Unique is what removing just that image frees.".to_owned(),
            "Nothing is locked while you browse.".to_owned(),
        ]);
        self.show(Page::new("Keys", lines));
    }

    /// What is asked before leaving.
    pub fn leave_question(&self) -> String {
        format!("{} marked, nothing removed yet. Quit?", plural(self.marked.len(), "image"))
    }
}

/// What removes a thing that is no image.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "It is gone.",
        Kind::Layer => "Only images can be removed here; `gc --layers` removes layers.",
        Kind::Leftover => "Only images can be removed here; `gc` removes leftovers.",
        Kind::Other => "That is not part of the cache, and is never removed.",
    }
}

/// Moves the cursor or sorts, if that is what is asked for.
fn travel<T: super::list::Row>(list: &mut List<T>, action: Action, height: usize) -> bool {
    match action {
        Action::Step(rows) => list.step(rows),
        Action::Page(pages) => list.step(pages * height as isize),
        Action::Top => list.go_to(0),
        Action::Bottom => list.go_to(usize::MAX),
        Action::Sort(key) => list.sort_by(key),
        _ => return false,
    }
    true
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
