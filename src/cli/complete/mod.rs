//! What a word of the command line may become, while it is typed.

pub mod images;
pub mod line;
