//! What can lie over the first screen: the inside of an image, or a page of text.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::list::{List, Row};
use crate::cache::Location;
use crate::cli::ui::text::{fold, wrap};
use crate::plan::Verdict;
use crate::usage::{Measurement, Usage};

/// What lies directly in a directory of an image, safe to print.
#[derive(Clone, Debug)]
pub struct Part {
    /// A directory's ends with a slash.
    pub label: String,
    /// Its path in the image, if it is a directory.
    pub path: Option<PathBuf>,
    pub usage: Usage,
    /// Whether it is a file with other names, which may count elsewhere.
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
    /// Which answer it waits for, or has got.
    pub ticket: u64,
    /// `None` until the answer is there.
    pub list: Option<List<Part>>,
    /// The image as it was measured when it was entered.
    pub tree: Option<Arc<Measurement>>,
    /// What has been counted so far.
    pub counted: Usage,
    /// The size of the directory, once it is known.
    pub usage: Option<Usage>,
}

/// A removal that the user is asked about, or has agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The images that were chosen.
    pub chosen: Vec<Location>,
    /// What is to be done with what: a removal is carried out only if its plan is still the same.
    pub verdicts: Vec<(Location, Verdict)>,
    /// The plan, a line an item.
    pub lines: Vec<String>,
    /// What is asked, such as `Remove 2 images, freeing 1.6 GiB?`; `None` if nothing is to be removed.
    pub question: Option<String>,
}

/// A page of text.
#[derive(Debug)]
pub struct Page {
    pub title: String,
    pub lines: Vec<String>,
    /// How many lines have been scrolled out above.
    pub scrolled: usize,
    /// What is asked below it.
    pub proposal: Option<Proposal>,
}

impl Page {
    pub fn new(title: impl Into<String>, lines: Vec<String>) -> Self {
        Self { title: title.into(), lines, scrolled: 0, proposal: None }
    }

    /// Its lines on a terminal with so many columns.
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
