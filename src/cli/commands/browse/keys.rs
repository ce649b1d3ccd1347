//! The key bindings: those of ncdu, gdu and dua.

use super::list::Key as SortKey;

/// A key, independent of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    Esc,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// The meaning of a key outside of text input and questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Step(isize),
    Page(isize),
    Top,
    Bottom,
    Open,
    Back,
    Sort(SortKey),
    Filter,
    Info,
    Help,
    Mark,
    Remove,
    Compare,
    Measure,
    StopMeasuring,
    Quit,
    Suspend,
    Redraw,
}

impl Action {
    pub fn from_key(key: Key) -> Option<Self> {
        Some(match key {
            Key::Up | Key::Char('k') => Self::Step(-1),
            Key::Down | Key::Char('j') => Self::Step(1),
            Key::PageUp | Key::Ctrl('b' | 'u') => Self::Page(-1),
            Key::PageDown | Key::Ctrl('f' | 'd') => Self::Page(1),
            Key::Home | Key::Char('g') => Self::Top,
            Key::End | Key::Char('G') => Self::Bottom,
            Key::Enter | Key::Right | Key::Char('l') => Self::Open,
            Key::Esc | Key::Left | Key::Backspace | Key::Char('h') => Self::Back,
            Key::Char('s') => Self::Sort(SortKey::Size),
            Key::Char('n') => Self::Sort(SortKey::Name),
            Key::Char('u') => Self::Sort(SortKey::Used),
            Key::Char('/') => Self::Filter,
            Key::Char('i') => Self::Info,
            Key::Char('?') => Self::Help,
            Key::Char(' ') => Self::Mark,
            Key::Char('d') => Self::Remove,
            Key::Char('=') => Self::Compare,
            Key::Char('r') => Self::Measure,
            Key::Char('x') => Self::StopMeasuring,
            Key::Char('q') | Key::Ctrl('c') => Self::Quit,
            Key::Ctrl('z') => Self::Suspend,
            Key::Ctrl('l') => Self::Redraw,
            Key::Char(_) | Key::Ctrl(_) => return None,
        })
    }
}

/// The keys for the help, each with its meaning.
pub const HELP: [(&str, &str); 17] = [
    ("Up Down j k", "move"),
    ("PgUp PgDn", "move by a page"),
    ("g G Home End", "first, last"),
    ("Enter Right l", "open an image or a directory"),
    ("Esc Left h", "back"),
    ("s", "sort by size (again: reverse)"),
    ("n", "sort by name"),
    ("u", "sort by last use"),
    ("/", "filter (Esc clears it)"),
    ("i", "show details of an entry"),
    ("Space", "mark an image"),
    ("d", "remove the marked images or the current one (asks first)"),
    ("=", "compare an orphan with the build that replaced it"),
    ("r", "measure again"),
    ("x", "stop measuring; known sizes are kept"),
    ("Ctrl-Z Ctrl-L", "suspend, redraw"),
    ("q Ctrl-C", "quit"),
];

/// Parses keys from a text: characters, and names such as `<Enter>`.
///
/// # Errors
/// An unknown key name, for the message.
pub fn parse(text: &str) -> Result<Vec<Key>, String> {
    let (mut keys, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((name, behind)) = name {
            let key = named(name);
            keys.push(key.ok_or_else(|| format!("<{name}> is not a key; try <Enter> or <Esc>"))?);
            rest = behind;
        } else {
            keys.push(Key::Char(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(keys)
}

fn named(name: &str) -> Option<Key> {
    Some(match name.to_ascii_lowercase().as_str() {
        "enter" => Key::Enter,
        "esc" => Key::Esc,
        "backspace" => Key::Backspace,
        "up" => Key::Up,
        "down" => Key::Down,
        "left" => Key::Left,
        "right" => Key::Right,
        "home" => Key::Home,
        "end" => Key::End,
        "pageup" => Key::PageUp,
        "pagedown" => Key::PageDown,
        "space" => Key::Char(' '),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let keys = parse("j/a<Enter><space>").unwrap();
        let expected = [Key::Char('j'), Key::Char('/'), Key::Char('a'), Key::Enter, Key::Char(' ')];
        assert_eq!(keys, expected);
        assert_eq!(parse("<").unwrap(), [Key::Char('<')]);
        assert!(parse("<Entre>").unwrap_err().contains("<Entre>"));
    }

    #[test]
    fn escape_never_leaves_and_enter_never_removes() {
        assert_eq!(Action::from_key(Key::Esc), Some(Action::Back));
        assert_eq!(Action::from_key(Key::Enter), Some(Action::Open));
    }
}
