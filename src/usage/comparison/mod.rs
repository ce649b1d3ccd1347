//! What differs between two trees.
//!
//! Two breakdowns with all names, which one measurement has made, are laid side by side: directory by directory, by
//! name (`comparison.rs`). Names that differ in digits only are taken for one name (`align.rs`), and a file that is gone here
//! and is there elsewhere has moved (`moves.rs`). Nothing is read for that. Whether two files of equal size
//! have equal content, the walk tells where they share their data; the others have to be read
//! (`content.rs`).

mod align;
mod comparison;
mod content;
mod delta;
mod moves;
mod side;

pub use comparison::{Alteration, Altered, ChangedDirectory, ChangedFile, Comparison};
pub use content::{Contents, compare_contents};
pub use delta::Delta;

#[cfg(test)]
mod tests;
