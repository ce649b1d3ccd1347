//! What is said of what could not be read in a tree.

use crate::error::Problems;

/// A line for each problem that is known, and one for the others.
pub fn lines(problems: &Problems) -> Vec<String> {
    let mut lines: Vec<_> = problems.first().iter().map(ToString::to_string).collect();
    let more = problems.count() - problems.first().len() as u64;
    if more > 0 {
        lines.push(format!("{more} more problems in the same tree"));
    }
    lines
}
