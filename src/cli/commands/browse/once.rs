//! A single frame without a terminal, for documents and bug reports.

use crossbeam_channel::unbounded;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::canvas::Look;
use super::event::{Effect, Event};
use super::keys::{self, Key};
use super::model::Model;
use super::view::draw;
use super::work::Work;
use crate::cli::args::Browse;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};

/// The default size of a frame. `COLUMNS` and `LINES` override it.
const COLUMNS: u16 = 80;
const LINES: u16 = 24;

/// Measures, presses the keys, waiting after each one until its effects are finished, and prints
/// the frame. No key removes anything.
pub fn run(context: &Context<'_>, args: &Browse, keys: &str) -> Result<Ending, Failure> {
    let keys = match keys::parse(keys) {
        Ok(keys) => keys,
        Err(reason) => return refuse(reason),
    };
    let size = (number("COLUMNS").unwrap_or(COLUMNS), number("LINES").unwrap_or(LINES));
    let mut model = Model::new(context.shown_dir(), args.read_only, Timestamp::now(), size);
    press(context, &mut model, &keys);
    let mut frame = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&model, Look::new(context), &mut frame);
    context.console.write(text(&frame))?;
    Ok(Ending::Done)
}

fn number(name: &str) -> Option<u16> {
    std::env::var(name).ok()?.parse().ok().filter(|number| (1..=1000).contains(number))
}

fn press(context: &Context<'_>, model: &mut Model, keys: &[Key]) {
    let (events, incoming) = unbounded();
    let work = Work::new(context, events);
    let settle = |model: &mut Model, mut effects: Vec<Effect>| {
        while !effects.is_empty() {
            let harmless =
                effects.into_iter().filter(|effect| !matches!(effect, Effect::Remove(_)));
            harmless.filter_map(|effect| work.begin(effect)).for_each(|task| work.carry_out(task));
            effects = incoming.try_iter().flat_map(|event| model.update(event)).collect();
        }
    };
    settle(model, Model::first());
    for &key in keys {
        let effects = model.update(Event::Key(key));
        settle(model, effects);
    }
}

/// A frame as lines of text.
pub fn text(frame: &Buffer) -> String {
    let width = usize::from(frame.area.width);
    let lines = frame.content.chunks(width).map(|cells| {
        let mut line = String::new();
        let mut covered = 0;
        for cell in cells {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line += cell.symbol();
            covered = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}
