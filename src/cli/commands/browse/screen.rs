//! Screens on top of the first one: the inside of an image, or a page of text.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::list::{List, Row};
use crate::cache::Location;
use crate::cli::ui::text::{fold, wrap};
use crate::plan::Verdict;
use crate::usage::{Measurement, Usage};

/// A direct child of a directory in an image, safe to print.
#[derive(Clone, Debug)]
pub struct Part {
    /// Ends with a slash for a directory.
    pub label: String,
    /// Its path in the image, if it is a directory.
    pub path: Option<PathBuf>,
    pub usage: Usage,
    /// Whether it is a file with other names. It may be counted elsewhere then.
    pub has_other_names: bool,
}

impl Row for Part {
    fn group(&self) -> usize {
        0
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.usage.on_disk().at_least().as_u64())
    }

    fn name(&self) -> &str {
        &self.label
    }

    fn used(&self) -> Option<Timestamp> {
        None
    }

    fn matches(&self, filter: &str) -> bool {
        contains(&self.label, filter)
    }
}

/// Whether a text contains a word that is in lower case, whatever case the text is in.
fn contains(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    // Without a copy: there may be a million.
    let mut parts = text.as_bytes().windows(word.len().max(1));
    word.is_empty() || parts.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// One directory of an image.
#[derive(Debug)]
pub struct Inside {
    pub at: Location,
    /// The image, safe to print.
    pub image: String,
    pub path: PathBuf,
    /// Identifies the answer that this screen waits for or has received.
    pub ticket: u64,
    /// `None` until the answer arrives.
    pub list: Option<List<Part>>,
    /// The measurement of the image, made when it was entered.
    pub tree: Option<Arc<Measurement>>,
    /// The usage counted so far.
    pub counted: Usage,
    /// The size of the directory, once it is known.
    pub usage: Option<Usage>,
}

/// A removal that the user is asked about or has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The chosen images.
    pub chosen: Vec<Location>,
    /// The planned changes. The removal is only carried out if a new plan has the same ones.
    pub verdicts: Vec<(Location, Verdict)>,
    /// The plan, one line per item.
    pub lines: Vec<String>,
    /// The question, such as `Remove 2 images, freeing 1.6 GiB?`; `None` if there is nothing to
    /// remove.
    pub question: Option<String>,
}

/// A page of text.
#[derive(Debug)]
pub struct Page {
    pub title: String,
    pub lines: Vec<String>,
    /// The number of lines scrolled off the top.
    pub scrolled: usize,
    /// The removal that the page asks about.
    pub proposal: Option<Proposal>,
}

impl Page {
    pub fn new(title: impl Into<String>, lines: Vec<String>) -> Self {
        Self { title: title.into(), lines, scrolled: 0, proposal: None }
    }

    /// Its lines, wrapped to a number of columns.
    pub fn wrapped(&self, columns: usize) -> Vec<String> {
        let wrapped = self.lines.iter().map(|line| wrap(line, Some(columns), 2));
        let fitting =
            |line: String| line.split('\n').flat_map(|line| fold(line, columns)).collect();
        wrapped.flat_map::<Vec<_>, _>(fitting).collect()
    }

    pub fn scroll(&mut self, lines: isize, (columns, height): (usize, usize)) {
        let most = self.wrapped(columns).len().saturating_sub(height);
        self.scrolled = self.scrolled.saturating_add_signed(lines).min(most);
    }
}

#[derive(Debug)]
pub enum Screen {
    Inside(Inside),
    Page(Page),
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_filter_finds_words_in_any_case_and_script() {
        for (text, word, is_found) in [
            ("Makefile", "makefile", true),
            ("Makefile", "kef", true),
            ("Makefile", "kf", false),
            ("a", "longer", false),
            ("a", "", true),
            ("", "", true),
            ("", "a", false),
            ("ÄRGER", "ärg", true),
            ("arger", "är", false),
        ] {
            assert_eq!(contains(text, word), is_found, "{text} {word}");
        }
    }
}
