//! What keys and other events do.

use std::sync::Arc;

use super::*;
use crate::cli::commands::browse::entry::Kind;
use crate::cli::commands::browse::scene::{
    LAYER, NEW, OLD, USED, at, entries, entry, model, now, part, press, proposal, usage,
};
use crate::usage::Size;

fn marked(model: &Model) -> Vec<String> {
    model.marked.iter().map(|at| at.name.to_string()).collect()
}

/// The model in front of the question.
fn asked() -> Model {
    let mut model = model(80, 24);
    assert_eq!(press(&mut model, "gjd"), [Effect::Propose(vec![at(OLD)])]);
    model.update(Event::Proposed { proposal: proposal(OLD), has_changed: false });
    model
}

#[test]
fn only_a_clear_yes_removes() {
    for keys in ["<Enter>", "<Esc>", "n", "q", "<Space>", "d", "x", "<Enter>y", "j<Enter>"] {
        let mut model = asked();
        let effects = press(&mut model, keys);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Remove(_))), "{keys}");
        assert!(model.screens.is_empty() && model.marked.is_empty(), "{keys}");
    }
    for keys in ["y", "Y", "jky"] {
        assert_eq!(press(&mut asked(), keys), [Effect::Remove(proposal(OLD))], "{keys}");
    }
}

#[test]
fn a_failed_look_at_the_cache_is_repeated() {
    let mut model = model(80, 24);
    let mut after =
        |seconds| model.update(Event::Tick(now() + jiff::SignedDuration::from_secs(seconds)));
    assert_eq!(after(10), [Effect::Look { judge: false }]);
    assert_eq!(after(20), [], "it takes a while");
    model.update(Event::LookFailed("no room for a thread".to_owned()));
    assert!(model.note.as_ref().unwrap().contains("no room"));
    let again = Event::Tick(now() + jiff::SignedDuration::from_secs(30));
    assert_eq!(model.update(again), [Effect::Look { judge: false }]);
}

#[test]
fn a_plan_that_differs_under_the_lock_is_asked_about_again() {
    let mut model = asked();
    press(&mut model, "y");
    assert!(model.job.is_some() && press(&mut model, "d").is_empty(), "one removal at a time");
    model.update(Event::Proposed { proposal: proposal(NEW), has_changed: true });
    let Some(Screen::Page(page)) = model.screens.last() else { panic!() };
    assert!(page.title.contains("has changed"));
    assert!(press(&mut model, "<Enter>").is_empty() && model.job.is_none());
}

#[test]
fn the_marked_ones_are_removed_and_the_current_one_if_there_are_none() {
    let mut model = model(80, 24);
    press(&mut model, "gG");
    assert!(press(&mut model, " ").is_empty() && press(&mut model, "d").is_empty());
    assert!(model.note.as_ref().unwrap().contains("Only images"), "a leftover");
    press(&mut model, "g  ");
    assert_eq!(marked(&model), [OLD, NEW]);
    assert_eq!(press(&mut model, "d"), [Effect::Propose(vec![at(OLD), at(NEW)])]);
}

#[test]
fn nothing_can_be_marked_or_removed_read_only_or_inside_an_image() {
    let mut model = model(80, 24);
    model.read_only = true;
    assert!(press(&mut model, " d").is_empty() && model.marked.is_empty());
    model.read_only = false;
    press(&mut model, "g<Enter>");
    let (tree, list) = (Arc::default(), List::new(vec![part("usr/", 7), part("node", 5)]));
    model.update(Event::Entered { ticket: 1, tree, list });
    assert!(press(&mut model, " d").is_empty() && model.marked.is_empty());
    assert!(model.note.unwrap().contains("Nothing inside"));
}

#[test]
fn escape_goes_back_and_never_leaves_and_quitting_asks_if_something_is_marked() {
    let mut model = model(80, 24);
    assert!(press(&mut model, "?<Esc><Esc><Esc>").is_empty() && model.screens.is_empty());
    assert_eq!(press(&mut model, "q"), [Effect::Quit]);
    assert!(press(&mut model, "g q").is_empty(), "something is marked");
    assert!(press(&mut model, "<Enter>").is_empty() && model.mode == Mode::Plain);
    assert_eq!(press(&mut model, "qy"), [Effect::Quit]);
}

#[test]
fn an_image_that_goes_meanwhile_says_so_and_loses_its_mark() {
    let mut model = model(80, 24);
    press(&mut model, "g  ");
    let left = entries().into_iter().filter(|entry| entry.at != at(OLD)).collect();
    let effects = model.update(Event::Listed { entries: left, is_judged: false });
    assert_eq!(effects, [Effect::Look { judge: true }], "the others are looked at anew");
    assert_eq!(marked(&model), [NEW]);
    let gone = |model: &Model| {
        let rows = model.entries.rows().iter();
        rows.filter(|row| row.is_gone).map(|row| row.at.clone()).collect::<Vec<_>>()
    };
    assert_eq!(gone(&model), [at(OLD)]);
    model.update(Event::Listed { entries: entries(), is_judged: true });
    assert!(gone(&model).is_empty());
    let known = model.entries.rows().iter().find(|row| row.at == at(OLD)).unwrap().known;
    assert!(known.usage.is_none(), "what came back is another one");
}

#[test]
fn what_is_known_when_a_measurement_is_stopped_stays_as_a_lower_bound() {
    let mut model = Model::new("/c".into(), false, now(), (80, 24));
    model.update(Event::Listed { entries: entries(), is_judged: false });
    let trees = vec![(at(NEW), usage(7), Phase::Done), (at(OLD), usage(9), Phase::Working)];
    model.update(Event::Counted { trees, done: 1, all: 5 });
    assert_eq!(press(&mut model, "x"), [Effect::StopMeasuring]);
    model.update(Event::Stopped);
    let size = |name: &str| -> Option<Size> {
        let row = model.entries.rows().iter().find(|row| row.at == at(name)).unwrap();
        Some(row.known.counted()?.on_disk())
    };
    assert!(size(NEW).unwrap().is_complete() && !size(OLD).unwrap().is_complete());
    assert!(size(USED).is_none() && model.measuring.is_none());
    assert!(press(&mut model, "x").is_empty(), "there is nothing to stop");
}

#[test]
fn an_answer_for_an_image_that_was_left_is_not_shown() {
    let mut model = model(80, 24);
    press(&mut model, "<Enter>");
    assert_eq!(press(&mut model, "<Esc>"), [Effect::StopEntering]);
    press(&mut model, "<Enter>");
    let list = List::new(vec![part("usr/", 7)]);
    model.update(Event::Entered { ticket: 1, tree: Arc::default(), list });
    let Some(Screen::Inside(inside)) = model.screens.last() else { panic!() };
    assert!(inside.list.is_none() && inside.ticket == 2);
    model.update(Event::Failed("it is gone".to_owned()));
    assert!(model.screens.is_empty() && model.note.is_some());
}

#[test]
fn after_a_removal_everything_is_looked_at_again_and_measured_where_data_is_shared() {
    for shares_data in [false, true] {
        let mut model = asked();
        press(&mut model, "y");
        let (summary, lines) = ("Removed 1 image".to_owned(), Vec::new());
        let effects =
            model.update(Event::Removed { summary, lines, shares_data, has_failed: false });
        assert_eq!(effects[0], Effect::Look { judge: true });
        assert_eq!(effects.contains(&Effect::Measure), shares_data);
    }
}

#[test]
fn a_filter_takes_letters_for_letters_and_escape_ends_it() {
    let mut model = model(80, 24);
    press(&mut model, "/q codex<Backspace>");
    assert!(model.entries.current().is_none());
    press(&mut model, "<Esc>/codex<Enter>");
    assert_eq!(model.entries.current().unwrap().at, at(USED));
    assert_eq!(model.filter(), "codex");
    press(&mut model, "<Esc>");
    assert_eq!((model.filter(), model.mode), ("", Mode::Plain));
}

#[test]
fn a_new_entry_appears_and_the_cursor_stays() {
    let mut model = model(80, 24);
    press(&mut model, "G");
    let current = model.entries.current().unwrap().at.clone();
    let mut more = entries();
    more.push(entry("sha256-new", Kind::Image, "", 0));
    model.update(Event::Listed { entries: more, is_judged: false });
    assert_eq!(model.entries.current().unwrap().at, current);
    assert!(model.entries.rows().iter().any(|row| row.at == at("sha256-new")));
    assert!(model.entries.rows().iter().any(|row| row.at == at(LAYER)));
}

#[test]
fn an_orphan_is_compared_with_the_build_that_replaced_it() {
    let mut model = model(80, 24);
    model.entries.update(|rows| {
        for row in rows {
            match &row.at {
                location if *location == at(OLD) => row.replaced_by = Some("a/b:1".to_owned()),
                location if *location == at(NEW) => row.refs = vec!["a/b:1".to_owned()],
                _ => {}
            }
        }
    });
    assert!(press(&mut model, "g=").is_empty() && model.note.is_some(), "it is no orphan");
    let compare = Effect::Compare { old: at(OLD), new: at(NEW) };
    assert_eq!(press(&mut model, "j="), [compare]);
    assert!(press(&mut model, "=d").is_empty(), "one thing after the other");
    model.update(Event::Told { title: "a compared with b".to_owned(), lines: Vec::new() });
    assert!(model.job.is_none() && model.screens.len() == 1);
}
