//! The differences between two trees.
//!
//! Compares two breakdowns with all names from one measurement, directory by directory, by name
//! (`changes.rs`). Names that differ only in digits are treated as one name (`align.rs`), and a
//! file that is gone in one place and new in another has moved (`moves.rs`). This reads no files.
//! The walk already tells that two files of equal size have equal content if they share their data.
//! All others have to be read (`content.rs`).

mod align;
mod changes;
mod content;
mod delta;
mod found;
mod moves;
mod node;
mod side;

pub use changes::Comparison;
pub use content::{Contents, compare_contents};
pub use delta::Delta;
pub use found::{Alteration, Altered, ChangedDirectory, ChangedFile};

#[cfg(test)]
mod tests;
