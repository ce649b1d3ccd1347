//! The event loop, between the terminal and the work.

use std::any::Any;
use std::io::{self, IsTerminal};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use crossterm::event;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use signal_hook::consts::{SIGCONT, SIGQUIT, SIGTSTP};

use super::canvas::Look;
use super::event::{Effect, Event};
use super::model::Model;
use super::once;
use super::terminal::{self, Terminal};
use super::view::draw;
use super::work::Work;
use crate::cli::args::{Browse, Format};
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure, refuse};
use crate::error::Error;
use crate::jobs::OnPanic;

/// How long the loop waits for a key before it checks for other events.
const WAIT: Duration = Duration::from_millis(30);
/// The time between two ticks.
const TICK: Duration = Duration::from_millis(500);

type Panic = Box<dyn Any + Send>;

pub fn run(context: &Context<'_>, args: &Browse) -> Result<Ending, Failure> {
    let list = context.command("list");
    if context.format == Format::Json {
        return refuse(format!("browse has no JSON; use `{list} --format json`"));
    }
    if let Some(keys) = &args.once {
        return once::run(context, args, keys);
    }
    if std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
        return refuse(format!(
            "browse cannot draw on this terminal (TERM=dumb); use `{list} --sizes`"
        ));
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return refuse(format!("browse needs a terminal; use `{list} --sizes`"));
    }
    with_browser(context, |browser| browser.run(args))
}

/// Everything that the browser has begun is stopped at its end, also at a panic.
fn with_browser<T>(context: &Context<'_>, body: impl FnOnce(&Browser<'_, '_>) -> T) -> T {
    let (events, incoming) = unbounded();
    let (panics, panicked) = unbounded();
    let work = Work::new(context, events);
    std::thread::scope(|scope| {
        let _stops = OnPanic(|| work.stop());
        let browser = Browser { context, scope, work: &work, incoming, panics, panicked };
        let result = body(&browser);
        work.stop();
        result
    })
}

struct Browser<'scope, 'env> {
    context: &'scope Context<'scope>,
    scope: &'scope Scope<'scope, 'env>,
    work: &'scope Work<'scope>,
    incoming: Receiver<Event>,
    panics: Sender<Panic>,
    panicked: Receiver<Panic>,
}

impl<'scope> Browser<'scope, '_> {
    fn run(&self, args: &Browse) -> Result<Ending, Failure> {
        // Exiting here would leave the terminal in raw mode.
        self.context.signals.listen_to(&[SIGQUIT]).map_err(Failure::Signals)?;
        let asked = signals()?;
        let terminal_error = |cause: io::Error| Error::io("use", "the terminal", cause);
        let mut terminal = Terminal::take().map_err(terminal_error)?;
        let size = terminal::size().map_err(terminal_error)?;
        let dir = self.context.shown_dir();
        let mut model = Model::new(dir, args.read_only, Timestamp::now(), size);
        let look = Look::new(self.context);
        let result = self.turn(&mut model, &mut terminal, look, &asked);
        drop(terminal);
        if let Ok(panic) = self.panicked.try_recv() {
            resume_unwind(panic);
        }
        Ok(result.map_err(terminal_error)?)
    }

    /// Updates the state for each event and shows it, until the user quits.
    fn turn(
        &self,
        model: &mut Model,
        terminal: &mut Terminal,
        look: Look,
        asked: &Asked,
    ) -> io::Result<Ending> {
        show(model, look, terminal)?;
        let mut effects = Model::first();
        let (mut ticked, mut is_shown) = (Instant::now(), true);
        loop {
            for effect in effects {
                match effect {
                    Effect::Quit => return Ok(ending(model)),
                    Effect::Suspend => {
                        terminal.suspend()?;
                        is_shown = false;
                    }
                    Effect::Redraw => {
                        terminal.redraw()?;
                        is_shown = false;
                    }
                    effect => self.start(effect),
                }
            }
            if !is_shown {
                show(model, look, terminal)?;
            }
            let mut events = Vec::new();
            if event::poll(WAIT)? {
                events.extend(terminal::event(&event::read()?));
            }
            events.extend(self.incoming.try_iter());
            // crossterm loses a change of the size that comes together with a key.
            let (columns, lines) = terminal::size()?;
            if (columns, lines) != (model.columns, model.lines) {
                events.push(Event::Resize { columns, lines });
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                events.push(Event::Tick(Timestamp::now()));
            }
            is_shown = events.is_empty();
            effects = events.into_iter().flat_map(|event| model.update(event)).collect();
            if !self.panicked.is_empty() || self.context.signals.stop().is_raised() {
                return Ok(Ending::Interrupted);
            }
            if asked.suspend.swap(false, Ordering::SeqCst) {
                effects.push(Effect::Suspend);
            }
            if asked.resume.swap(false, Ordering::SeqCst) {
                terminal.resume()?;
                is_shown = false;
            }
        }
    }

    /// Starts an effect on its own thread.
    fn start(&self, effect: Effect) {
        let Some(task) = self.work.begin(effect) else { return };
        let (work, aim) = (self.work, task.aim());
        if let Err(cause) = self.spawn(move || work.carry_out(task)) {
            work.fail(aim, &Error::io("start", "a thread", cause).into());
        }
    }

    /// Runs something on a thread of its own. A panic there ends the loop.
    fn spawn(&self, run: impl FnOnce() + Send + 'scope) -> io::Result<()> {
        let panics = self.panics.clone();
        let run_and_tell = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                // If the loop has ended, the panic hook has reported the panic.
                let _ = panics.send(panic);
            }
        };
        Builder::new().spawn_scoped(self.scope, run_and_tell).map(drop)
    }
}

fn show(model: &Model, look: Look, terminal: &mut Terminal) -> io::Result<()> {
    let mut frame = Buffer::empty(Rect::new(0, 0, model.columns, model.lines));
    draw(model, look, &mut frame);
    terminal.show(frame)
}

fn ending(model: &Model) -> Ending {
    if model.has_failed { Ending::Incomplete } else { Ending::Done }
}

/// What signals asked for, other than stopping.
struct Asked {
    suspend: Arc<AtomicBool>,
    resume: Arc<AtomicBool>,
}

fn signals() -> Result<Asked, Failure> {
    let asked = Asked { suspend: Arc::default(), resume: Arc::default() };
    for (signal, flag) in [(SIGTSTP, &asked.suspend), (SIGCONT, &asked.resume)] {
        signal_hook::flag::register(signal, Arc::clone(flag)).map_err(Failure::Signals)?;
    }
    Ok(asked)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
