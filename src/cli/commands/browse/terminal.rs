//! The terminal: in raw mode, on its alternate screen, and restored however the program ends.
//!
//! Each frame is one write. The cursor position is never queried, because the answer would arrive
//! between the keys.

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

/// The size of the buffer: large enough to write a frame at once.
const FRAME_BYTES: usize = 1 << 18;

/// Whether this program controls the terminal right now.
static IS_OURS: AtomicBool = AtomicBool::new(false);

pub struct Terminal {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    /// The frame on the screen.
    shown: Buffer,
}

impl Terminal {
    /// Takes control of the terminal. It is restored when this is dropped, and when any thread
    /// panics.
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

    /// Shows a frame: only the changes, or all of it after a resize.
    pub fn show(&mut self, frame: Buffer) -> io::Result<()> {
        // A thread has panicked, which restored the terminal.
        if !IS_OURS.load(Ordering::SeqCst) {
            return Ok(());
        }
        if self.shown.area != frame.area {
            self.forget(frame.area)?;
        }
        let changes = self.shown.diff(&frame);
        // An empty change would still write style sequences.
        if changes.is_empty() {
            return Ok(());
        }
        self.backend.draw(changes.into_iter())?;
        Write::flush(&mut self.backend)?;
        self.shown = frame;
        Ok(())
    }

    /// Redraws everything with the next frame.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.forget(self.shown.area)
    }

    fn forget(&mut self, area: Rect) -> io::Result<()> {
        queue!(self.backend, Clear(ClearType::All))?;
        self.shown = Buffer::empty(area);
        Ok(())
    }

    /// Restores the terminal, suspends this process like Ctrl-Z, and takes control again
    /// afterwards.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.resume()
    }

    /// Takes control again. A shell may have used the terminal in the meantime.
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
        // This cannot be reported, because the terminal itself is broken.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Columns and lines of the terminal on stdout, which may differ from the controlling terminal. The
/// default is 80 and 24.
pub fn size() -> io::Result<(u16, u16)> {
    let Winsize { ws_col: columns, ws_row: lines, .. } = tcgetwinsize(io::stdout())?;
    Ok(if columns == 0 || lines == 0 { (80, 24) } else { (columns, lines) })
}

/// Converts an event of the terminal, if it matters.
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
