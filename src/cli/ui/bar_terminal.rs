//! The terminal for progress bars.
//!
//! A bar fills its line, and the cursor stays at the end of the line. If the user types `^C`, the
//! terminal echoes it there. If that made the cursor wrap to the next line, the bar would be
//! assumed one line too low, and part of it never cleared. So the cursor is moved a few columns
//! back.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::TermLike;

/// Room for `^C` and the cursor.
const ROOM: usize = 3;

/// Stderr, with the cursor away from the end of the line.
#[derive(Debug)]
pub struct BarTerminal {
    term: Term,
    /// Whether a bar was written since the last flush.
    has_drawn: AtomicBool,
}

impl BarTerminal {
    pub fn new() -> Self {
        Self { term: Term::buffered_stderr(), has_drawn: AtomicBool::new(false) }
    }
}

impl TermLike for BarTerminal {
    fn width(&self) -> u16 {
        TermLike::width(&self.term)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.term)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.term.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.has_drawn.store(true, Ordering::Relaxed);
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    /// Called at the end of each drawing and clearing.
    fn flush(&self) -> io::Result<()> {
        if self.has_drawn.swap(false, Ordering::Relaxed) {
            self.term.move_cursor_left(ROOM)?;
        }
        self.term.flush()
    }
}
