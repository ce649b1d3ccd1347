//! The terminal: raw, on its other screen, and back as it was however the program ends.
//!
//! A frame is one write. The cursor's place is never asked for: the answer would come between the keys.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::termios::{Winsize, tcgetwinsize};
use signal_hook::consts::SIGTSTP;

use super::event::Event;
use super::keys::Key;

/// Room for a frame, so that it is written at once.
const FRAME_BYTES: usize = 1 << 18;

/// Whether the terminal is ours at the moment.
static IS_OURS: AtomicBool = AtomicBool::new(false);

pub struct Terminal {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    /// What is on the screen.
    shown: Buffer,
}

impl Terminal {
    /// Takes the terminal. It is given back when this is dropped, and when any thread panics.
    pub fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        take()?;
        let (columns, lines) = size()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()));
        Ok(Self { backend, shown: Buffer::empty(Rect::new(0, 0, columns, lines)) })
    }

    /// Shows a frame: what differs from the last one, or all of it after a change of the size.
    pub fn show(&mut self, frame: Buffer) -> io::Result<()> {
        // A thread that panicked has given it back.
        if !IS_OURS.load(Ordering::SeqCst) {
            return Ok(());
        }
        if self.shown.area != frame.area {
            self.forget(frame.area)?;
        }
        let changes = self.shown.diff(&frame);
        // Even nothing would be written with styles around it.
        if changes.is_empty() {
            return Ok(());
        }
        self.backend.draw(changes.into_iter())?;
        Write::flush(&mut self.backend)?;
        self.shown = frame;
        Ok(())
    }

    /// Draws everything anew with the next frame.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.forget(self.shown.area)
    }

    fn forget(&mut self, area: Rect) -> io::Result<()> {
        queue!(self.backend, Clear(ClearType::All))?;
        self.shown = Buffer::empty(area);
        Ok(())
    }

    /// Gives the terminal back, stops this process as Ctrl-Z does, and takes it again afterwards.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.resume()
    }

    /// Takes the terminal again: a shell may have had it meanwhile.
    pub fn resume(&mut self) -> io::Result<()> {
        take()?;
        self.redraw()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

fn give_back() {
    if IS_OURS.swap(false, Ordering::SeqCst) {
        // There is no one to tell: the terminal is what one would be told on.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Columns and lines of the terminal on stdout, which need not be the one that controls this process. A terminal that
/// says none has 80 and 24.
pub fn size() -> io::Result<(u16, u16)> {
    let Winsize { ws_col: columns, ws_row: lines, .. } = tcgetwinsize(io::stdout())?;
    Ok(if columns == 0 || lines == 0 { (80, 24) } else { (columns, lines) })
}

/// What the terminal tells, if it is anything of ours.
pub fn event(event: &TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
            self::key(*key).map(Event::Key)
        }
        // The loop looks at the size itself.
        _ => None,
    }
}

fn key(key: KeyEvent) -> Option<Key> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char(c) if is_control => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    })
}
