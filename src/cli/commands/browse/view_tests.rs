//! Frames, as they are kept in `snapshots/`. `BBOX_BLESS=1` writes them anew.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use std::path::Path;
use std::sync::Arc;

use ratatui::style::Color;

use super::*;
use crate::cli::commands::browse::event::Event;
use crate::cli::commands::browse::once::text;
use crate::cli::commands::browse::scene::{
    OLD, at, entries, model, now, part, press, proposal, usage,
};
use crate::usage::Phase;

const PLAIN_LOOK: Look = Look { has_colors: false, is_ascii: false };

fn frame(model: &Model, look: Look) -> Buffer {
    let mut frame = Buffer::empty(Rect::new(0, 0, model.columns, model.lines));
    draw(model, look, &mut frame);
    frame
}

fn check(name: &str, model: &Model) {
    let shown = text(&frame(model, PLAIN_LOOK));
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/commands/browse/snapshots");
    let file = place.join(format!("{name}-{}.txt", model.columns));
    if std::env::var_os("BBOX_BLESS").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(shown == kept, "{}: expected\n{kept}\nbut it is\n{shown}", file.display());
}

/// The inside of an image.
fn inside(columns: u16) -> Model {
    let mut model = model(columns, 14);
    press(&mut model, "g<Enter>");
    let parts = vec![part("usr/", 700), part("opt/", 90), part("漢字/", 20), part("node", 5)];
    let list = List::new(parts);
    model.update(Event::Entered { ticket: 1, tree: Arc::default(), list });
    model
}

#[test]
fn each_screen_is_as_it_was_at_each_width() {
    for columns in [40, 80, 120, 200] {
        check("cache", &model(columns, 14));
        check("inside", &inside(columns));

        let mut marked = model(columns, 14);
        press(&mut marked, "g  ");
        check("marked", &marked);

        let mut asked = model(columns, 14);
        asked.update(Event::Proposed { proposal: proposal(OLD), has_changed: false });
        check("question", &asked);

        let mut info = model(columns, 16);
        press(&mut info, "i");
        check("info", &info);

        let mut help = model(columns, 24);
        press(&mut help, "?");
        check("help", &help);

        let mut filter = model(columns, 14);
        press(&mut filter, "/codex");
        check("filter", &filter);
    }
}

#[test]
fn sizes_fill_in_while_they_are_measured() {
    let mut model = Model::new("/c".into(), false, now(), (80, 14));
    check("first", &model);
    model.update(Event::Listed { entries: entries(), is_judged: false });
    assert!(text(&frame(&model, PLAIN_LOOK)).contains("measuring…"), "it begins at once");
    let trees = vec![(at(OLD), usage(9), Phase::Working)];
    model.update(Event::Counted { trees, done: 0, all: 5 });
    check("measuring", &model);
}

#[test]
fn no_line_is_wider_than_the_terminal_however_small_or_large() {
    for columns in [1, 10, 39, 40, 59, 60, 76, 96, 116, 300] {
        for lines in [1, 7, 8, 9, 50] {
            let mut model = model(columns, lines);
            for keys in ["", "G", "i", "<Esc>?", "<Esc>d"] {
                press(&mut model, keys);
                let shown = text(&frame(&model, PLAIN_LOOK));
                assert_eq!(shown.lines().count(), usize::from(lines));
                assert!(shown.lines().all(|line| line.width() <= columns.into()), "{shown}");
                let is_small = columns < LEAST_COLUMNS || lines < LEAST_LINES;
                assert!(!is_small || columns < 22 || shown.contains("too small"), "{shown}");
            }
        }
    }
}

#[test]
fn the_cursor_is_a_character_and_colours_are_only_there_if_they_are_wanted() {
    let model = model(120, 14);
    let colored = frame(&model, Look { has_colors: true, is_ascii: false });
    let is_magenta = |cell: &ratatui::buffer::Cell| cell.fg == Color::Magenta;
    assert!(colored.content.iter().any(is_magenta), "an orphan");
    let plain = frame(&model, PLAIN_LOOK);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset));
    let current: Vec<_> = (0..14).filter(|&y| plain[(0, y)].symbol() == ">").collect();
    assert_eq!(current.len(), 1);
    assert!(plain[(5, current[0])].modifier.contains(Modifier::REVERSED));
}

#[test]
fn an_ascii_terminal_gets_nothing_else() {
    for model in [model(120, 14), inside(80), inside(40)] {
        let shown = frame(&model, Look { has_colors: true, is_ascii: true });
        assert!(text(&shown).is_ascii() && text(&shown).contains('#'), "{}", text(&shown));
    }
}
