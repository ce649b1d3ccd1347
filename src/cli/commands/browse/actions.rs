//! Updates of the state for each key.

use std::path::PathBuf;
use std::sync::Arc;

use super::entry::{Entry, Kind};
use super::event::Effect;
use super::keys::{Action, HELP, Key};
use super::list::{List, Row};
use super::model::{Job, Mode, Model};
use super::screen::{Inside, Page, Screen};
use crate::cli::ui::units::plural;
use crate::usage::{Measurement, Usage};

impl Model {
    /// Updates the state for a key, and returns the effects.
    pub(super) fn key(&mut self, key: Key) -> Vec<Effect> {
        self.note = None;
        match self.mode {
            Mode::Filter => self.type_filter(key),
            Mode::Leave => {
                self.mode = Mode::Plain;
                if matches!(key, Key::Char('y' | 'Y')) { vec![Effect::Quit] } else { Vec::new() }
            }
            Mode::Plain if self.asks() => self.answer(key),
            Mode::Plain => self.common(key),
        }
    }

    /// Whether the page on the screen asks to confirm a removal.
    fn asks(&self) -> bool {
        let Some(Screen::Page(page)) = self.screens.last() else { return false };
        page.proposal.as_ref().is_some_and(|proposal| proposal.question.is_some())
    }

    /// Only `y` confirms. Scrolling keys are not an answer.
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
            Action::Compare => return self.compare(&entry),
            _ => {}
        }
        Vec::new()
    }

    fn enter(
        &mut self,
        entry: &Entry,
        path: PathBuf,
        known: Option<(Arc<Measurement>, Usage)>,
    ) -> Vec<Effect> {
        let is_known = known.is_some();
        let (tree, usage) = known.unzip();
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
            usage,
        }));
        vec![Effect::Enter { ticket, at, path, is_known }]
    }

    fn descend(&mut self) -> Vec<Effect> {
        let Some(Screen::Inside(inside)) = self.screens.last() else { return Vec::new() };
        let current = inside.list.as_ref().and_then(List::current);
        let Some(part) = current else { return Vec::new() };
        let Some(path) = part.path.clone() else { return Vec::new() };
        let known = inside.tree.clone().map(|tree| (tree, part.usage));
        let at = inside.at.clone();
        let entry = self.entries.rows().iter().find(|entry| entry.at == at).cloned();
        entry.map_or_else(Vec::new, |entry| self.enter(&entry, path, known))
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

    fn compare(&mut self, entry: &Entry) -> Vec<Effect> {
        let by = entry.replaced_by.as_ref();
        let is_it = |row: &&Entry| by.is_some_and(|by| row.refs.contains(by)) && !row.is_gone;
        let Some(new) = self.entries.rows().iter().find(is_it) else {
            self.note = Some("It is unknown what replaced it.".to_owned());
            return Vec::new();
        };
        let (old, new) = (entry.at.clone(), new.at.clone());
        if self.job.is_some() || entry.is_gone {
            return Vec::new();
        }
        self.job = Some(Job::Comparing);
        vec![Effect::Compare { old, new }]
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
        // Esc clears a filter first, and then leaves the list.
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
            self.note = Some("Stopping; the next gc finishes this removal.".to_owned());
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
            "Unique: freed if only that image is removed.".to_owned(),
            "Nothing is locked while you browse.".to_owned(),
        ]);
        self.show(Page::new("Keys", lines));
    }

    /// The question before quitting.
    pub fn leave_question(&self) -> String {
        format!("{} marked. Quit?", plural(self.marked.len(), "image"))
    }
}

/// A hint how to remove an entry that is not an image.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "It is gone.",
        Kind::Layer => "Only images can be removed here; `gc --layers` removes layers.",
        Kind::Leftover => "Only images can be removed here; `gc` removes leftovers.",
        Kind::Other => "This is not part of the cache and is never removed.",
    }
}

/// Moves the cursor or sorts, if the key means that.
fn travel<T: Row>(list: &mut List<T>, action: Action, height: usize) -> bool {
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
