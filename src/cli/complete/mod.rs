//! Completion of the word that is being typed.

pub mod images;
pub mod line;
